//! Adding dependencies to a project, and removing them.

use piton_project::dependency::{DependencySource, is_identifier};
use piton_project::project::MAIN;
use piton_project::project::edit::{
    NewDependency, Tool, tool_of, with_dependency, without_dependency,
};

use super::{PackageError, Workspace};

/// Options of [`Workspace::with_dependency`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AddOptions {
    /// The group.
    pub group: String,
    /// Whether the source is read for each installation.
    pub develop: bool,
    /// Whether a single module becomes the `__init__` of the dependency's folder.
    pub rename_to_init: bool,
    /// Whether the source is written as it was given, as belay does. Else a package of the index whose name is the
    /// dependency's is written as its range: `aiohttp = "^0.0.5"`.
    pub verbatim: bool,
    /// Whether a dependency that exists gets the new source, instead of [`PackageError::Exists`].
    pub replace: bool,
}

impl Default for AddOptions {
    fn default() -> AddOptions {
        AddOptions {
            group: MAIN.to_owned(),
            develop: false,
            rename_to_init: true,
            verbatim: false,
            replace: false,
        }
    }
}

impl Workspace {
    /// Returns the project with one more dependency, and the dependency's name: `name`, or one that is inferred from `source`.
    /// Nothing is written before [`Workspace::write`], so that a source that cannot be fetched changes nothing.
    ///
    /// # Errors
    ///
    /// [`PackageError::Source`], [`PackageError::NotAName`], [`PackageError::Exists`], [`PackageError::NotLocal`].
    pub fn with_dependency(
        &self,
        name: Option<&str>,
        source: &str,
        options: &AddOptions,
    ) -> Result<(Workspace, String), PackageError> {
        let parsed = match name {
            Some(name) => DependencySource::of_value(name, source)?,
            None => source.parse()?,
        };
        let name = match name {
            Some(name) => name.to_owned(),
            None => parsed.inferred_name()?,
        };
        if !is_identifier(&name) {
            return Err(PackageError::NotAName { name });
        }
        if options.develop && !matches!(parsed, DependencySource::Local(_)) {
            return Err(PackageError::NotLocal {
                source_text: source.to_owned(),
            });
        }
        if !options.replace && self.project.dependency(&options.group, &name).is_some() {
            return Err(PackageError::Exists {
                name,
                group: options.group.clone(),
            });
        }
        let uri = match &parsed {
            DependencySource::Index { name: own, range } if !options.verbatim && *own == name => {
                range.as_str().trim_start_matches("==").to_owned()
            }
            _ => source.trim().to_owned(),
        };
        let tool = match self.project.is_configured {
            true => tool_of(&self.text)?,
            false => Tool::Piton,
        };
        let dependency = NewDependency {
            group: options.group.clone(),
            name: name.clone(),
            uri,
            develop: options.develop,
            rename_to_init: options.rename_to_init,
        };
        let text = with_dependency(&self.text, tool, &dependency)?;
        Ok((self.with_text(text)?, name))
    }

    /// Returns the project without a dependency: of `group`, or of all groups that have it. Nothing is written before
    /// [`Workspace::write`].
    ///
    /// # Errors
    ///
    /// [`PackageError::Unknown`].
    pub fn without_dependency(
        &self,
        name: &str,
        group: Option<&str>,
    ) -> Result<Workspace, PackageError> {
        let mut text = self.text.clone();
        let mut is_found = false;
        for one in &self.project.groups {
            if group.is_none_or(|group| group == one.name)
                && let Some(without) = without_dependency(&text, &one.name, name)?
            {
                text = without;
                is_found = true;
            }
        }
        if !is_found {
            let all = self.project.dependencies();
            return Err(PackageError::Unknown {
                kind: "dependency",
                name: name.to_owned(),
                known: all.map(|(_, one)| one.name.clone()).collect(),
            });
        }
        self.with_text(text)
    }
}
