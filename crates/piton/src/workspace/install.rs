//! A project as a board has it: compiled or minified for the board.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use piton_fs::plan::Node;
use piton_path::{PortablePath, RelativePath, Sha256Hex};

use super::image::{Image, Selection};
use super::{PackageError, Workspace};
use crate::mip::{Library, ProjectImage, ProjectPackage};
use crate::patterns::Patterns;
use crate::sync::{self, Content, HostTree, Links, Make};

/// Options of [`Workspace::project_image`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct InstallOptions {
    /// The groups.
    pub selection: Selection,
    /// The script that becomes `main.py`.
    pub main: Option<PathBuf>,
    /// The conversion of sources for the board.
    pub make: Make,
}

impl Workspace {
    /// Returns the project for a board with this folder for libraries: the packages of the chosen groups, the project's own code
    /// (the folder that `name` names), and the main program.
    ///
    /// # Errors
    ///
    /// [`PackageError`] as for [`Workspace::image`]; [`PackageError::Sync`] if a source cannot be read or compiled.
    pub fn project_image(
        &self,
        library: &Library,
        options: &InstallOptions,
    ) -> Result<ProjectImage, PackageError> {
        let image = self.image(&options.selection)?;
        let lib = library.name();
        let mut host = HostTree::default();
        for file in &image.files {
            let path = format!("{lib}/{}", file.path);
            put(&mut host, &path, Content::Made(file.content.clone()))?;
        }
        let own = self.own_code(&mut host)?;
        if let Some(main) = &options.main {
            let content = super::sources::read(main, piton_project::mip::FILE_LIMIT)?;
            put(&mut host, "main.py", Content::Made(content))?;
        }
        let sources = hashes(&host)?;
        let superseded = sync::make(&mut host, &options.make)?;
        let mut project = ProjectImage {
            name: self.name(),
            ..ProjectImage::default()
        };
        for (path, content) in &host.contents {
            if matches!(host.tree.get(path), Some(Node::File { .. })) {
                project.files.insert(portable(path)?, content.read()?);
            }
        }
        for path in &superseded {
            if let Some(hash) = sources.get(path) {
                project.superseded.insert(portable(path)?, hash.clone());
            }
        }
        for path in &own {
            let made = path.with_end(".py", ".mpy");
            let path = portable(path)?;
            let made = made.as_ref().map(portable).transpose()?;
            let exists = |path: &PortablePath| project.files.contains_key(path);
            let path = Some(path).filter(exists).or(made.filter(exists));
            project.own.extend(path);
        }
        project.packages = packages(&image, lib, &project.files, self)?;
        Ok(project)
    }

    /// Returns the name of the project: `name` of the settings, else that of its folder.
    pub fn name(&self) -> String {
        let folder = || {
            self.root()
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
        };
        let name = self.project().name.clone().or_else(folder);
        name.unwrap_or_else(|| "project".to_owned())
    }

    /// Adds the project's own code to the tree. Returns its files.
    fn own_code(&self, host: &mut HostTree) -> Result<BTreeSet<RelativePath>, PackageError> {
        let mut own = BTreeSet::new();
        let Some(name) = &self.project().name else {
            return Ok(own);
        };
        let folder = self.root().join(name);
        if !folder.is_dir() {
            return Ok(own);
        }
        let mut ignore = Patterns::new();
        for line in &self.project().ignore {
            ignore.add(line);
        }
        let walked = sync::walk(&folder, &ignore, Links::Follow)?;
        for (path, content) in walked.contents {
            let path = put(host, &format!("{name}/{path}"), content)?;
            own.insert(path);
        }
        Ok(own)
    }
}

/// Returns the packages of an image, with the paths that their files have on the board.
fn packages(
    image: &Image,
    lib: &str,
    files: &BTreeMap<PortablePath, Vec<u8>>,
    workspace: &Workspace,
) -> Result<Vec<ProjectPackage>, PackageError> {
    let on_board = |path: &PortablePath| {
        let exists = |path: &PortablePath| {
            let below: Result<PortablePath, _> = format!("{lib}/{path}").parse();
            below.is_ok_and(|below| files.contains_key(&below))
        };
        let compiled = path.with_extension("mpy");
        [path.clone(), compiled].into_iter().find(exists)
    };
    let requested: BTreeSet<&String> = workspace
        .lock()
        .iter()
        .flat_map(|lock| lock.dependencies.iter().flat_map(|one| &one.packages))
        .collect();
    let mut listed = BTreeSet::new();
    let mut packages = Vec::new();
    for package in &image.packages {
        let paths = package.files.iter().filter_map(|file| on_board(&file.path));
        let paths: Vec<PortablePath> = paths.collect();
        listed.extend(paths.iter().cloned());
        packages.push(ProjectPackage {
            name: package.name.clone(),
            version: package.version.clone(),
            source: package.source.clone(),
            needs: package.needs.clone(),
            requested: requested.contains(&package.name),
            files: paths,
        });
    }
    // What is in no package: dependencies in development, and a folder without a lock.
    let mut others: BTreeMap<String, Vec<PortablePath>> = BTreeMap::new();
    for file in &image.files {
        let Some(path) = on_board(&file.path).filter(|path| !listed.contains(path)) else {
            continue;
        };
        let first = file.path.names().next().unwrap_or_default();
        let name = first.strip_suffix(".py").or(first.strip_suffix(".mpy"));
        others
            .entry(name.unwrap_or(first).to_owned())
            .or_default()
            .push(path);
    }
    for (name, files) in others {
        match packages.iter_mut().find(|package| package.name == name) {
            Some(package) => package.files.extend(files),
            None => packages.push(ProjectPackage {
                source: name.clone(),
                name,
                requested: true,
                files,
                ..ProjectPackage::default()
            }),
        }
    }
    Ok(packages)
}

/// Adds a file to a tree, with its folders.
fn put(host: &mut HostTree, path: &str, content: Content) -> Result<RelativePath, PackageError> {
    let portable: PortablePath = path.parse()?;
    let path = portable.as_relative().clone();
    let size = match &content {
        Content::Made(bytes) => Some(bytes.len() as u64),
        _ => None,
    };
    let inserted = host
        .tree
        .insert(path.clone(), Node::File { size, digest: None });
    inserted.map_err(|error| PackageError::Folder {
        folder: portable.to_path(),
        reason: error.to_string(),
    })?;
    host.contents.insert(path.clone(), content);
    Ok(path)
}

/// Returns the hashes of the sources of a tree.
fn hashes(host: &HostTree) -> Result<BTreeMap<RelativePath, Sha256Hex>, PackageError> {
    let sources = host.contents.iter();
    let sources = sources.filter(|(path, _)| path.file_name().ends_with(".py"));
    sources
        .map(|(path, content)| Ok((path.clone(), Sha256Hex::of(&content.read()?))))
        .collect()
}

fn portable(path: &RelativePath) -> Result<PortablePath, PackageError> {
    Ok(path.as_str().parse()?)
}
