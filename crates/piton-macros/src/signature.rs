//! Parses the trait: its methods, and the sources that attributes name.
//!
//! `syn` parses traits only with its feature `full`. What a board's trait may have is a small part of that.

use proc_macro2::{Ident, Span};
use syn::parse::{Parse, ParseStream};
use syn::{
    Attribute, Error, GenericArgument, LitInt, LitStr, PathArguments, Result, Token, Type,
    Visibility, braced, parenthesized, token,
};

/// The trait with the attribute.
pub(crate) struct BoardTrait {
    /// Attributes that the struct gets, documentation among them.
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) name: Ident,
    pub(crate) methods: Vec<Method>,
}

/// A method's signature.
pub(crate) struct Method {
    /// Attributes that the method keeps.
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) source: MethodSource,
    pub(crate) name: Ident,
    /// The `mut` of `&mut self`.
    pub(crate) mutability: Option<Token![mut]>,
    pub(crate) arguments: Vec<Argument>,
    /// The return type, a `Result`.
    pub(crate) output: Type,
    pub(crate) returns_generator: bool,
}

/// An argument of a method.
pub(crate) struct Argument {
    pub(crate) name: Ident,
    pub(crate) type_name: Type,
}

/// What a method does on the board.
pub(crate) enum MethodSource {
    /// `#[py(...)]`, or no attribute: calls a function.
    Function(SourceArguments),
    /// `#[setup(...)]`: executes a source with the arguments as globals.
    Setup(SourceArguments),
}

/// What stands in the parentheses of an attribute.
pub(crate) struct SourceArguments {
    pub(crate) source: Option<SourceName>,
    /// `fn = "name"`.
    pub(crate) function: Option<LitStr>,
    /// `deadline_ms = 500`.
    pub(crate) deadline: Option<Deadline>,
    /// The attribute, for messages.
    pub(crate) span: Span,
}

/// How long a call may take.
pub(crate) struct Deadline {
    pub(crate) milliseconds: u64,
    pub(crate) span: Span,
}

/// Where Python code is.
#[derive(Clone)]
pub(crate) enum SourceName {
    /// A string literal with code.
    Literal(LitStr),
    /// `file = "path"`.
    File(LitStr),
}

impl Parse for BoardTrait {
    fn parse(input: ParseStream<'_>) -> Result<BoardTrait> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        input.parse::<Token![trait]>()?;
        let name: Ident = input.parse()?;
        if !input.peek(token::Brace) {
            let message = "a board's trait has no type parameters and no supertraits";
            return Err(input.error(message));
        }
        let content;
        braced!(content in input);
        let mut methods = Vec::new();
        while !content.is_empty() {
            methods.push(content.parse()?);
        }
        Ok(BoardTrait {
            attributes,
            visibility,
            name,
            methods,
        })
    }
}

impl Parse for Method {
    fn parse(input: ParseStream<'_>) -> Result<Method> {
        let (source, attributes) = sort_attributes(input.call(Attribute::parse_outer)?)?;
        input.parse::<Token![fn]>()?;
        let name: Ident = input.parse()?;
        if input.peek(Token![<]) {
            return Err(input.error("a board's method has no type parameters"));
        }
        let content;
        parenthesized!(content in input);
        let mutability = parse_receiver(&content)?;
        let mut arguments = Vec::new();
        while !content.is_empty() {
            content.parse::<Token![,]>()?;
            if content.is_empty() {
                break;
            }
            let name = content.parse()?;
            content.parse::<Token![:]>()?;
            let type_name = content.parse()?;
            arguments.push(Argument { name, type_name });
        }
        let message = "a board's method returns a `Result`, for example `Result<(), DeviceError>`";
        if !input.peek(Token![->]) {
            return Err(Error::new(name.span(), message));
        }
        input.parse::<Token![->]>()?;
        let output: Type = input.parse()?;
        let value = result_value(&output).ok_or_else(|| Error::new(name.span(), message))?;
        let returns_generator = value.is_some_and(|value| last_name(value, "Generator"));
        input.parse::<Token![;]>()?;
        Ok(Method {
            attributes,
            source: source.unwrap_or(MethodSource::Function(SourceArguments {
                source: None,
                function: None,
                deadline: None,
                span: name.span(),
            })),
            name,
            mutability,
            arguments,
            output,
            returns_generator,
        })
    }
}

/// Takes the attribute that names the source from a method's attributes.
fn sort_attributes(attributes: Vec<Attribute>) -> Result<(Option<MethodSource>, Vec<Attribute>)> {
    let mut source = None;
    let mut others = Vec::new();
    for attribute in attributes {
        let found = if attribute.path().is_ident("py") {
            MethodSource::Function(attribute.parse_args()?)
        } else if attribute.path().is_ident("setup") {
            let arguments: SourceArguments = attribute.parse_args()?;
            if let Some(function) = &arguments.function {
                let message = "a setup executes its source: it has no function";
                return Err(Error::new(function.span(), message));
            }
            MethodSource::Setup(arguments)
        } else {
            others.push(attribute);
            continue;
        };
        if source.replace(found).is_some() {
            let message = "a method has one source: one `#[py(...)]` or `#[setup(...)]`";
            return Err(Error::new_spanned(attribute, message));
        }
    }
    Ok((source, others))
}

fn parse_receiver(input: ParseStream<'_>) -> Result<Option<Token![mut]>> {
    if !input.peek(Token![&]) {
        return Err(Error::new(input.span(), "expected `&self` or `&mut self`"));
    }
    input.parse::<Token![&]>()?;
    let mutability = input.parse()?;
    input.parse::<Token![self]>()?;
    Ok(mutability)
}

/// Returns the `T` of `Result<T, E>`, as far as it is written; `None` for another type.
fn result_value(output: &Type) -> Option<Option<&Type>> {
    let Type::Path(path) = output else {
        return None;
    };
    let last = path.path.segments.last()?;
    if last.ident != "Result" {
        return None;
    }
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return Some(None);
    };
    Some(arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(value) => Some(value),
        _ => None,
    }))
}

/// Returns whether the last name of a type's path is this.
fn last_name(value: &Type, name: &str) -> bool {
    match value {
        Type::Path(path) => {
            let last = path.path.segments.last();
            last.is_some_and(|segment| segment.ident == name)
        }
        _ => false,
    }
}

impl Parse for Deadline {
    fn parse(input: ParseStream<'_>) -> Result<Deadline> {
        let message = "expected a number of milliseconds, from 1";
        let place = input.span();
        let number: LitInt = input.parse().map_err(|_| Error::new(place, message))?;
        match number.base10_parse() {
            Ok(milliseconds) if milliseconds > 0 => Ok(Deadline {
                milliseconds,
                span: number.span(),
            }),
            _ => Err(Error::new(number.span(), message)),
        }
    }
}

impl Parse for SourceArguments {
    fn parse(input: ParseStream<'_>) -> Result<SourceArguments> {
        let mut arguments = SourceArguments {
            source: None,
            function: None,
            deadline: None,
            span: input.span(),
        };
        while !input.is_empty() {
            let before = input.span();
            let is_repeated = if input.peek(LitStr) {
                let code = SourceName::Literal(input.parse()?);
                arguments.source.replace(code).is_some()
            } else if input.peek(Token![fn]) {
                input.parse::<Token![fn]>()?;
                input.parse::<Token![=]>()?;
                arguments.function.replace(input.parse()?).is_some()
            } else {
                let message = "expected Python code as a string literal, `file = \"...\"`, `fn = \"...\"` or \
                               `deadline_ms = ...`";
                let word: Ident = input.parse().map_err(|_| Error::new(before, message))?;
                if word == "deadline_ms" {
                    input.parse::<Token![=]>()?;
                    arguments.deadline.replace(input.parse()?).is_some()
                } else if word == "file" {
                    input.parse::<Token![=]>()?;
                    let file = SourceName::File(input.parse()?);
                    arguments.source.replace(file).is_some()
                } else {
                    return Err(Error::new(before, message));
                }
            };
            if is_repeated {
                let message = "expected one source, one function and one deadline";
                return Err(Error::new(before, message));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(arguments)
    }
}
