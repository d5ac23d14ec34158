//! Joins the signatures with their sources, and writes the struct.

use std::collections::HashSet;
use std::path::Path;

use piton_syntax::Function;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt as _;
use syn::{Error, Result, Visibility};

use crate::python::{Place, Python};
use crate::signature::{BoardTrait, Deadline, Method, MethodSource, SourceArguments, SourceName};

/// The name that the struct has for itself.
const ATTACH: &str = "attach";

/// Names that begin so belong to the session on the board.
const RESERVED: &str = "_piton";

/// Returns the struct for a trait. Paths of sources are relative to `folder`.
///
/// # Errors
///
/// All that is wrong with the trait or its sources, each with its span.
pub(crate) fn expand(
    arguments: TokenStream,
    item: TokenStream,
    folder: &Path,
) -> Result<TokenStream> {
    let shared: SourceArguments = syn::parse2(arguments)?;
    if let Some(function) = &shared.function {
        let message = "expected only a source here: `#[py(fn = \"...\")]` stands on a method";
        return Err(Error::new(function.span(), message));
    }
    if let Some(deadline) = &shared.deadline {
        let message = "expected only a source here: `deadline_ms = ...` stands on a method";
        return Err(Error::new(deadline.span, message));
    }
    let board: BoardTrait = syn::parse2(item)?;
    let mut expansion = Expansion::new(folder);
    let mut problems = Problems::default();
    // Without the shared source, every method would have a second error for the same cause: the first one is enough.
    let shared_index = match &shared.source {
        Some(name) => Some(expansion.source(name)?),
        None => None,
    };
    for method in &board.methods {
        problems.note(expansion.method(method, &board.visibility, shared_index));
    }
    problems.note(expansion.check_names());
    problems.result()?;
    Ok(expansion.write(&board))
}

/// All problems of a trait: a user sees them at once.
#[derive(Default)]
struct Problems {
    error: Option<Error>,
}

impl Problems {
    fn note(&mut self, result: Result<()>) {
        if let Err(error) = result {
            match &mut self.error {
                Some(first) => first.combine(error),
                none => *none = Some(error),
            }
        }
    }

    fn result(self) -> Result<()> {
        self.error.map_or(Ok(()), Err)
    }
}

/// A source that [`Expansion::write`] executes on the board when the struct is attached.
struct Attached {
    /// The path of a file: methods that name the same file share it.
    file: Option<String>,
    python: Python,
    /// The functions that methods call, and the fields that hold them.
    tasks: Vec<(String, Ident)>,
}

struct Expansion<'f> {
    folder: &'f Path,
    sources: Vec<Attached>,
    bodies: Vec<TokenStream>,
    files: Vec<String>,
    has_setup: bool,
}

impl<'f> Expansion<'f> {
    fn new(folder: &'f Path) -> Expansion<'f> {
        Expansion {
            folder,
            sources: Vec::new(),
            bodies: Vec::new(),
            files: Vec::new(),
            has_setup: false,
        }
    }

    /// Adds a source that is executed when the struct is attached, unless it is a file that is there already, and returns its
    /// index.
    fn source(&mut self, name: &SourceName) -> Result<usize> {
        let file = match name {
            SourceName::File(file) => Some(file.value()),
            SourceName::Literal(_) => None,
        };
        let is_same = |source: &Attached| file.is_some() && source.file == file;
        if let Some(index) = self.sources.iter().position(is_same) {
            return Ok(index);
        }
        let python = self.load(name)?;
        self.sources.push(Attached {
            file,
            python,
            tasks: Vec::new(),
        });
        Ok(self.sources.len() - 1)
    }

    fn load(&mut self, name: &SourceName) -> Result<Python> {
        let python = Python::load(name, self.folder)?;
        if let Place::File { path, .. } = &python.place {
            self.files.push(path.clone());
        }
        Ok(python)
    }

    /// Adds the body of a method.
    fn method(
        &mut self,
        method: &Method,
        visibility: &Visibility,
        shared: Option<usize>,
    ) -> Result<()> {
        if method.name == ATTACH {
            let message = "the name `attach` belongs to the struct that the macro writes";
            return Err(Error::new(method.name.span(), message));
        }
        let body = match &method.source {
            MethodSource::Function(arguments) => self.call(method, arguments, shared)?,
            MethodSource::Setup(arguments) => self.setup(method, arguments)?,
        };
        self.bodies.push(write_method(method, visibility, &body));
        Ok(())
    }

    /// Returns the body of a method that calls a function.
    fn call(
        &mut self,
        method: &Method,
        arguments: &SourceArguments,
        shared: Option<usize>,
    ) -> Result<TokenStream> {
        let name = match &arguments.function {
            Some(name) => name.value(),
            None => method.name.unraw().to_string(),
        };
        let index = match &arguments.source {
            Some(source) => Some(self.source(source)?),
            None => shared,
        };
        let source = index.and_then(|index| self.sources.get_mut(index));
        let source = source.ok_or_else(|| {
            let message = format!(
                "no Python code for `{name}`: expected `#[py(\"...\")]` or `#[py(file = \"...\")]` here, or a source in \
                 `#[piton::board(...)]`"
            );
            Error::new(method.name.span(), message)
        })?;
        let field = format_ident!("task_{}", method.name);
        check_function(&name, method, arguments, &source.python)?;
        source.tasks.push((name, field.clone()));
        let values = method.arguments.iter().map(|argument| &argument.name);
        let limit = arguments.deadline.as_ref().map(write_limit);
        let value = match (method.returns_generator, limit) {
            (true, None) => quote!(self.#field.iterate((#(#values,)*))?),
            (true, Some(limit)) => quote!(self.#field.iterate((#(#values,)*))?.within(#limit)),
            (false, None) => quote!(self.#field.call((#(#values,)*))?),
            (false, Some(limit)) => quote! {
                self.#field.call_with(
                    (#(#values,)*),
                    ::piton::device::CallOptions::within(#limit),
                )?
            },
        };
        Ok(quote! {
            let value = #value;
            ::core::result::Result::Ok(value)
        })
    }

    /// Returns the body of a method that executes a source with the arguments as globals.
    fn setup(&mut self, method: &Method, arguments: &SourceArguments) -> Result<TokenStream> {
        let missing = || Error::new(arguments.span, "expected Python code, or `file = \"...\"`");
        let name = arguments.source.as_ref().ok_or_else(missing)?;
        let source = write_source(&self.load(name)?);
        self.has_setup = true;
        let names: Vec<_> = method
            .arguments
            .iter()
            .map(|argument| &argument.name)
            .collect();
        let keys = names.iter().map(|name| format!("'{}':", name.unraw()));
        let limit = arguments.deadline.as_ref().map(write_limit);
        let limit =
            limit.map(|limit| quote!(options.call = ::piton::device::CallOptions::within(#limit);));
        Ok(quote! {
            let mut globals = ::piton::device::Arguments::from("{");
            #(
                globals.push_code(#keys);
                globals.push(&#names)?;
                globals.push_code(",");
            )*
            globals.push_code("}");
            let mut options = ::piton::device::ExecOptions::default();
            options.globals = globals;
            #limit
            let value = self.device.exec_with(#source, &options)?;
            ::core::result::Result::Ok(value)
        })
    }

    /// Checks that no two sources define the same function: the board has one space of names for all.
    fn check_names(&self) -> Result<()> {
        let mut names = HashSet::new();
        for source in &self.sources {
            let own: HashSet<&str> = source
                .python
                .functions
                .iter()
                .map(|function| function.name.as_str())
                .collect();
            if let Some(name) = own.iter().find(|name| names.contains(*name)) {
                let message = format!(
                    "two sources define `{name}`: on the board the second would replace the first"
                );
                return Err(Error::new(source.python.span, message));
            }
            names.extend(own);
        }
        Ok(())
    }

    fn write(&self, board: &BoardTrait) -> TokenStream {
        let BoardTrait {
            attributes,
            visibility,
            name,
            ..
        } = board;
        let fields: Vec<&Ident> = self
            .sources
            .iter()
            .flat_map(|source| source.tasks.iter().map(|(_, field)| field))
            .collect();
        let attached = self.sources.iter().map(write_attachment);
        let (device_field, device_value) = match self.has_setup {
            true => (
                quote!(device: ::piton::device::Device,),
                quote!(device: ::core::clone::Clone::clone(device),),
            ),
            false => (quote!(), quote!()),
        };
        let (bodies, files) = (&self.bodies, &self.files);
        quote! {
            #(#attributes)*
            #visibility struct #name {
                #device_field
                #(#fields: ::piton::device::Task,)*
            }

            impl #name {
                /// Executes the Python sources on the board, and declares them as state of the session.
                ///
                /// # Errors
                ///
                /// Those of `Device::tasks`.
                #visibility fn attach(
                    device: &::piton::device::Device,
                ) -> ::core::result::Result<#name, ::piton::device::DeviceError> {
                    #(#attached)*
                    ::core::result::Result::Ok(#name { #device_value #(#fields,)* })
                }

                #(#bodies)*
            }

            // Cargo compiles the program again when a source changes.
            #(const _: &[u8] = ::core::include_bytes!(#files);)*
        }
    }
}

/// Checks that a function exists, and that it fits the method that calls it.
fn check_function(
    name: &str,
    method: &Method,
    arguments: &SourceArguments,
    python: &Python,
) -> Result<()> {
    let span = arguments
        .function
        .as_ref()
        .map_or(method.name.span(), |name| name.span());
    if name.starts_with(RESERVED) {
        let message =
            format!("the name `{name}` is reserved: names with `{RESERVED}` are Piton's own");
        return Err(Error::new(span, message));
    }
    let Some(function) = python.function(name) else {
        let message = format!(
            "{} does not define the function `{name}`",
            python.describe()
        );
        return Err(Error::new(span, message));
    };
    if function.is_async {
        let message = format!(
            "`{name}` is an `async def`, which a call does not run: call `asyncio.run` in a `def`"
        );
        return Err(Error::new(span, message));
    }
    let count = method.arguments.len();
    if !function.takes(count) {
        let message = format!(
            "`{name}` takes {}, and the method gives {count}",
            describe_parameters(function)
        );
        return Err(Error::new(method.name.span(), message));
    }
    if function.is_generator && !method.returns_generator {
        let message =
            format!("`{name}` yields: the method returns `Result<Generator<T>, DeviceError>`");
        return Err(Error::new(method.name.span(), message));
    }
    Ok(())
}

/// Describes what calls must give: `2 arguments`, `1 to 3 arguments`.
fn describe_parameters(function: &Function) -> String {
    let Function {
        required,
        positional,
        ..
    } = function;
    let mut text = match (function.takes_more, required == positional) {
        (true, _) => format!("{required} or more arguments"),
        (false, true) if *required == 1 => "1 argument".to_owned(),
        (false, true) => format!("{required} arguments"),
        (false, false) => format!("{required} to {positional} arguments"),
    };
    if let Some(keyword) = function.required_keywords.first() {
        text.push_str(&format!(" and `{keyword}=`, which a method can't give"));
    }
    text
}

/// Writes a method around its body.
fn write_method(method: &Method, visibility: &Visibility, body: &TokenStream) -> TokenStream {
    let Method {
        attributes,
        name,
        mutability,
        output,
        ..
    } = method;
    let arguments = method.arguments.iter().map(|argument| {
        let (name, type_name) = (&argument.name, &argument.type_name);
        quote!(#name: #type_name)
    });
    quote! {
        #(#attributes)*
        #visibility fn #name(&#mutability self, #(#arguments),*) -> #output { #body }
    }
}

/// Writes the statement that executes a source and defines its tasks.
fn write_attachment(source: &Attached) -> TokenStream {
    let python = write_source(&source.python);
    if source.tasks.is_empty() {
        return quote!(device.exec(#python)?;);
    }
    let (names, fields): (Vec<_>, Vec<_>) = source.tasks.iter().cloned().unzip();
    quote!(let [#(#fields),*] = device.tasks(#python, [#(#names),*])?;)
}

/// Writes the time limit of a call.
fn write_limit(deadline: &Deadline) -> TokenStream {
    let milliseconds = deadline.milliseconds;
    quote!(::core::time::Duration::from_millis(#milliseconds))
}

/// Writes the value of a source.
fn write_source(python: &Python) -> TokenStream {
    let text = &python.minified;
    match &python.place {
        Place::File { name, .. } => quote!(::piton::device::Source::in_file(#text, #name, 1)),
        Place::Rust(line) => {
            quote!(::piton::device::Source::in_file(#text, ::core::file!(), #line))
        }
        Place::Escaped => quote!(::piton::device::Source::new(#text)),
    }
}
