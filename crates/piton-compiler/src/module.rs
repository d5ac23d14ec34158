//! The whole way from source to module.

use piton_mpy::header::{
    Arch, Dialect, FEATURE_LOOKUP_CACHE, FEATURE_UNICODE, FORMER_VERSION, Header,
};
use piton_mpy::module::{ConstObject, MAX_TUPLE_DEPTH, Module, Qstr as ModuleQstr};
use piton_mpy::raw_code::RawCode;

use crate::compile::{Scopes, compile_scopes};
use crate::emit::bytecode::{Encoding, assemble};
use crate::emit::inline;
use crate::emit::native::{Native, Source};
use crate::machine::machine;
use crate::makes_machine_code;
use crate::options::{Emitter, Optimisation, Options};
use piton_syntax::Target;
use piton_syntax::constants::{Constant, ConstantId, Constants};
use piton_syntax::diagnostic::{Diagnostic, DiagnosticCode, Failure, Location, Place};
use piton_syntax::interner::{Interner, Qstr};
use piton_syntax::lexer::{Lexer, LexerOptions};
use piton_syntax::number::{Integer, complex_text, float_text};
use piton_syntax::parse::{ParserOptions, parse_file};
use piton_syntax::target::Floats;

/// How deep in tuples the official compiler can write a number before its stack check stops it.
const MAXIMUM_NUMBER_DEPTH: usize = 709;
/// How deep tuples can be at all: as deep as they can be read back.
const MAXIMUM_TUPLE_DEPTH: usize = MAX_TUPLE_DEPTH;
/// The most objects that tuples can unfold to beyond what they hold themselves: one tuple can stand
/// in many, and those in many others.
const MAXIMUM_SHARED_OBJECTS: usize = 1 << 20;

/// Compiles a source. The listing of machine code, for the architecture that has one, is added to `listing`.
pub(crate) fn compile_module(
    source: &[u8],
    options: &Options,
    listing: &mut Vec<u8>,
) -> Result<Module, Diagnostic> {
    let mut interner = match Interner::of(options.target) {
        Ok(interner) => interner,
        Err(failure) => return Err(diagnostic(failure, options, &Interner::default())),
    };
    let result = run(source, options, &mut interner, listing);
    result.map_err(|failure| diagnostic(failure, options, &interner))
}

fn diagnostic(failure: Failure, options: &Options, interner: &Interner) -> Diagnostic {
    let location = match failure.place {
        Place::Nowhere | Place::Open => None,
        Place::Input(line) => Some(Location {
            source_name: options.input_name.clone(),
            line,
            column: failure.column,
            scope: None,
        }),
        Place::Scope(line, name) => {
            let source_name = options
                .embedded_name
                .as_ref()
                .unwrap_or(&options.input_name);
            let scope = Some(interner.text(name).to_vec());
            Some(Location {
                source_name: source_name.clone(),
                line,
                column: None,
                scope,
            })
        }
    };
    Diagnostic {
        location,
        ..Diagnostic::without_location(failure)
    }
}

fn run(
    source: &[u8],
    options: &Options,
    interner: &mut Interner,
    listing: &mut Vec<u8>,
) -> Result<Module, Failure> {
    // The names come first: a long string that is equal to one of them is a string table entry.
    let input_name = interner.intern(&options.input_name)?;
    interner.follow(options.target)?;
    let lexer_options = LexerOptions {
        debug: options.optimisation == Optimisation::None,
        target: options.target,
    };
    let lexer = Lexer::new(source, lexer_options)?;
    let source_name = match &options.embedded_name {
        Some(name) => interner.intern(name)?,
        None => input_name,
    };
    let parser_options = ParserOptions {
        small_int_bits: options.small_int_bits,
        rules: options.target.rules(),
    };
    let (tree, root) = parse_file(lexer, interner, parser_options)?;
    let scopes = compile_scopes(tree, root, source_name, interner, options)?;
    assemble_module(scopes, options, interner, listing)
}

fn assemble_module(
    mut scopes: Scopes,
    options: &Options,
    interner: &Interner,
    listing: &mut Vec<u8>,
) -> Result<Module, Failure> {
    let known = interner.known();
    let mut raw_codes = Vec::with_capacity(scopes.scopes.len());
    let mut native = None;
    let mut has_assembler = false;
    for index in 0..scopes.scopes.len() {
        // The code is freed as soon as it is assembled.
        let scope = scopes.scopes.get_mut(index);
        let code = scope
            .map(|scope| std::mem::take(&mut scope.code))
            .unwrap_or_default();
        let Some(scope) = scopes.scopes.get(index) else {
            break;
        };
        let place = Place::Scope(scopes.tree.line_or(scope.node, 1), scope.name);
        check_machine_code(scope.emitter, options)?;
        let function = match scope.emitter {
            Emitter::Bytecode => assemble(
                &scopes.scopes,
                scope,
                &code,
                &known,
                &mut scopes.tables,
                Encoding::of(options),
            ),
            Emitter::Native | Emitter::Viper => {
                let native = match &mut native {
                    Some(native) => native,
                    None => native.insert(native_emitter(options, &scopes)?),
                };
                let source = Source {
                    scopes: &scopes.scopes,
                    tables: &mut scopes.tables,
                    constants: &mut scopes.tree.constants,
                    interner,
                    known: &known,
                };
                let function = native.assemble(source, scope, &code);
                listing.append(&mut native.take_listing());
                function
            }
            Emitter::Assembler => {
                has_assembler = true;
                inline::assemble(&scopes.tree, interner, scope, options)
            }
        };
        let function = function.map_err(|failure| failure.or_at(place))?;
        raw_codes.push(RawCode {
            code: function.code,
            children: function
                .children
                .iter()
                .map(|child| child.index())
                .collect(),
        });
    }
    let mut objects = Objects::new(&scopes.tree.constants, options.target);
    Ok(Module {
        header: header(options, native.is_some() || has_assembler),
        qstrs: scopes
            .tables
            .strings()
            .map(|name| module_qstr(name, interner))
            .collect(),
        objects: scopes
            .tables
            .objects()
            .map(|id| id.map_or(Ok(ConstObject::FunTable), |id| objects.get(id)))
            .collect::<Result<_, _>>()?,
        raw_codes,
    })
}

/// Returns the emitter of machine code for the architecture.
fn native_emitter(options: &Options, scopes: &Scopes) -> Result<Native, Failure> {
    let Some(arch) = options.arch.filter(|&arch| arch != Arch::Rv64Imc) else {
        let failure = Failure::limit(DiagnosticCode::NativeArchitecture);
        // The official compiler names the scope that it has looked at last.
        let place = scopes.scopes.last().map_or(Place::Nowhere, |last| {
            Place::Scope(scopes.tree.line_or(last.node, 1), last.name)
        });
        return Err(failure.or_at(place));
    };
    let rules = options.target.rules();
    let machine = machine(arch, options.arch_flags, &rules.native)
        .ok_or_else(|| Failure::nowhere(DiagnosticCode::NativeCode))?;
    Ok(Native::new(machine, rules))
}

/// Refuses machine code for a firmware or a processor that none is made for.
fn check_machine_code(emitter: Emitter, options: &Options) -> Result<(), Failure> {
    // For 64-bit RISC-V there is none at all, which the emitter reports in the official compiler's words.
    let arch = options.arch.filter(|&arch| arch != Arch::Rv64Imc);
    match arch {
        Some(arch) if emitter != Emitter::Bytecode && !makes_machine_code(options.target, arch) => {
            Err(Failure::nowhere(DiagnosticCode::NativeCode))
        }
        _ => Ok(()),
    }
}

/// Returns the header: architecture and sub-version are only in that of a module with machine code.
fn header(options: &Options, is_native: bool) -> Header {
    let dialect = if options.target.is_circuitpython() {
        Dialect::CircuitPython
    } else {
        Dialect::MicroPython
    };
    Header {
        dialect,
        version: options.target.mpy_version(),
        sub_version: if options.target.mpy_version() == FORMER_VERSION {
            let cache = if options.lookup_cache {
                FEATURE_LOOKUP_CACHE
            } else {
                0
            };
            FEATURE_UNICODE | cache
        } else if is_native {
            options.target.mpy_sub_version()
        } else {
            0
        },
        arch: options.arch.filter(|_| is_native),
        arch_flags: Some(options.arch_flags).filter(|&flags| flags != 0),
        small_int_bits: options.small_int_bits,
    }
}

fn module_qstr(name: Qstr, interner: &Interner) -> ModuleQstr {
    match piton_mpy::qstr::StaticQstr::from_number(name.0) {
        Some(number) => ModuleQstr::Static(number),
        None => ModuleQstr::New(interner.text(name).to_vec()),
    }
}

/// Constants on their way into the module.
struct Objects<'a> {
    constants: &'a Constants,
    /// How floats are printed.
    floats: Floats,
    /// How many more objects there can be.
    left: usize,
}

impl Objects<'_> {
    fn new(constants: &Constants, target: Target) -> Objects<'_> {
        Objects {
            constants,
            floats: target.rules().floats,
            left: constants.size() + MAXIMUM_SHARED_OBJECTS,
        }
    }

    /// Returns the object of a constant. Tuples are built from the inside with a stack of those begun.
    fn get(&mut self, constant: ConstantId) -> Result<ConstObject, Failure> {
        let mut begun = Vec::new();
        let mut next = constant;
        loop {
            self.left = self.left.checked_sub(1).ok_or_else(Failure::too_large)?;
            let constant = self.constants.get(next);
            let is_number = matches!(
                constant,
                Constant::Integer(_) | Constant::Float(_) | Constant::Imaginary(_)
            );
            if begun.len()
                > if is_number {
                    MAXIMUM_NUMBER_DEPTH
                } else {
                    MAXIMUM_TUPLE_DEPTH
                }
            {
                return Err(Failure::nowhere(DiagnosticCode::ConstantsTooDeep));
            }
            let mut finished = match constant {
                Constant::Tuple(items) => {
                    begun.push((items.iter(), Vec::with_capacity(items.len())));
                    None
                }
                constant => Some(leaf(constant, self.floats)),
            };
            // Puts what is finished into the tuple around it, until one has an item left to build.
            next = loop {
                let Some((items, built)) = begun.last_mut() else {
                    return Ok(finished.unwrap_or(ConstObject::None));
                };
                built.extend(finished.take());
                if let Some(item) = items.next() {
                    break ConstantId(u32::from_le_bytes(*item));
                }
                finished = begun.pop().map(|(_, built)| ConstObject::Tuple(built));
            };
        }
    }
}

/// Returns the object of a constant that is not a tuple.
fn leaf(constant: Constant<'_>, floats: Floats) -> ConstObject {
    match constant {
        Constant::None | Constant::Tuple(_) => ConstObject::None,
        Constant::False => ConstObject::False,
        Constant::True => ConstObject::True,
        Constant::Ellipsis => ConstObject::Ellipsis,
        Constant::Text(text) => ConstObject::Str(text.to_vec()),
        Constant::Bytes(bytes) => ConstObject::Bytes(bytes.to_vec()),
        Constant::Integer(Integer::Small(value)) => ConstObject::Int(value.to_string()),
        Constant::Integer(Integer::Big(value)) => ConstObject::Int(value.to_string()),
        Constant::Float(value) => ConstObject::Float(float_text(value, floats)),
        Constant::Imaginary(value) => ConstObject::Complex(complex_text(value, floats)),
    }
}
