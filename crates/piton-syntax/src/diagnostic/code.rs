//! What can be wrong with a source: a code for each kind of error, with its exception and its words.

use super::ErrorType;

macro_rules! codes {
    ($($(#[$documentation:meta])* $code:ident = $error_type:ident, $name:literal, $message:literal;)*) => {
        /// The kind of an error in a source. Callers that handle an error compare this, not the message.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum DiagnosticCode {
            $($(#[$documentation])* $code,)*
        }

        impl DiagnosticCode {
            /// All codes, in the order of this list.
            pub const ALL: &[DiagnosticCode] = &[$(DiagnosticCode::$code,)*];

            /// Returns the name of the code for programs that read reports: small letters and hyphens. It does not
            /// change from one version to the next.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(DiagnosticCode::$code => $name,)*
                }
            }

            /// Returns the type of the exception that the official compiler raises.
            #[must_use]
            pub const fn error_type(self) -> ErrorType {
                match self {
                    $(DiagnosticCode::$code => ErrorType::$error_type,)*
                }
            }

            /// Returns the words of the official compiler; for [`DiagnosticCode::InvalidInteger`] only how they begin,
            /// and for what depends on an instruction of an inline assembler what they say.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self {
                    $(DiagnosticCode::$code => $message,)*
                }
            }
        }
    };
}

codes! {
    /// The grammar has no rule for this.
    InvalidSyntax = SyntaxError, "invalid-syntax", "invalid syntax";
    /// A line is indented and the line before it opens no block.
    UnexpectedIndent = IndentationError, "unexpected-indent", "unexpected indent";
    /// A line ends a block, in a column where none began.
    UnmatchedUnindent = IndentationError, "unmatched-unindent", "unindent doesn't match any outer indent level";
    /// The minifier does not know the column of a line: MicroPython and CPython disagree about it.
    UnclearIndent = IndentationError, "unclear-indent", "unclear indent";
    /// An f-string or t-string with an empty expression, or braces that do not match.
    MalformedFString = SyntaxError, "malformed-f-string", "malformed f-string";
    /// `rf''`, up to MicroPython 1.23 and CircuitPython 9.
    RawFString = SyntaxError, "raw-f-string", "raw f-strings are not supported";
    /// `\N{...}` in a string: the official compiler has no names of characters.
    UnicodeNameEscape = NotImplementedError, "unicode-name-escape", "unicode name escapes";
    /// An integer with digits that its base does not have.
    InvalidInteger = SyntaxError, "invalid-integer", "invalid syntax for integer with base";
    /// A float or complex number that is neither.
    InvalidNumber = SyntaxError, "invalid-number", "invalid syntax for number";
    /// `const()` of something that is not a constant.
    NotConstant = SyntaxError, "not-constant", "not a constant";
    /// `const()` of something that is not an integer, up to MicroPython 1.18.
    NotInteger = SyntaxError, "not-integer", "constant must be an integer";
    /// A name of more than 255 bytes.
    NameTooLong = RuntimeError, "name-too-long", "name too long";
    /// More of something than the compiler's own tables hold.
    SourceTooLarge = MemoryError, "source-too-large", "source too large";

    /// The target of an assignment is not a name, attribute, item or list of these.
    CannotAssign = SyntaxError, "cannot-assign", "can't assign to expression";
    /// What is deleted is not a name, attribute or item.
    CannotDelete = SyntaxError, "cannot-delete", "can't delete expression";
    /// `*a, *b = ...`
    SeveralStarredTargets = SyntaxError, "several-starred-targets", "multiple *x in assignment";
    /// `*x` where it is not a target of an assignment, as in `[*a, 1]`.
    StarredExpression = SyntaxError, "starred-expression", "*x must be assignment target";
    /// `def f(a=1, b)`
    ParameterWithoutDefault = SyntaxError, "parameter-without-default",
        "non-default argument follows default argument";
    /// `def f(a, a)`
    ParameterReused = SyntaxError, "parameter-reused", "argument name reused";
    /// `@micropython.other`
    InvalidDecorator = SyntaxError, "invalid-decorator", "invalid micropython decorator";
    /// A decorator for machine code that the architecture does not have, or without an architecture.
    InvalidArchitecture = SyntaxError, "invalid-architecture", "invalid arch";
    /// A function asks for machine code, which this compiler does not make for the firmware or processor.
    NativeCode = NotImplementedError, "native-code",
        "machine code is not supported for this firmware or processor";
    /// A parameter of a viper function with an annotation that is not a name.
    AnnotationNotName = SyntaxError, "annotation-not-name", "annotation must be an identifier";
    /// A viper function with an annotation that names no type of viper.
    ViperUnknownType = ViperTypeError, "viper-unknown-type", "unknown type of viper";
    /// A local variable of a viper function is read before anything was stored in it.
    ViperUntypedLocal = ViperTypeError, "viper-untyped-local", "local used before type known";
    /// A local variable of a viper function is given a value of another type.
    ViperLocalType = ViperTypeError, "viper-local-type", "local has another type";
    /// A viper function indexes a value that is not a pointer.
    ViperLoad = ViperTypeError, "viper-load", "can't load from this type";
    /// A viper function indexes a pointer with something that is not an integer.
    ViperLoadIndex = ViperTypeError, "viper-load-index", "can't load with an index of this type";
    /// A viper function stores to an element of a value that is not a pointer.
    ViperStore = ViperTypeError, "viper-store", "can't store to this type";
    /// A viper function stores with an index that is not an integer.
    ViperStoreIndex = ViperTypeError, "viper-store-index", "can't store with an index of this type";
    /// A viper function stores something in memory that is not an integer.
    ViperStoreValue = ViperTypeError, "viper-store-value", "can't store a value of this type";
    /// The condition of a viper function has a type without truth.
    ViperCondition = ViperTypeError, "viper-condition", "can't implicitly convert to 'bool'";
    /// `not` of an integer in a viper function.
    ViperNot = ViperTypeError, "viper-not", "'not' not implemented";
    /// A unary operator that viper does not have for this type.
    ViperUnary = ViperTypeError, "viper-unary", "can't do unary op of this type";
    /// `//` or `%` of unsigned integers in a viper function.
    ViperDivision = ViperTypeError, "viper-division", "div/mod not implemented for uint";
    /// A comparison of a signed with an unsigned integer in a viper function.
    ViperComparison = ViperTypeError, "viper-comparison", "comparison of int and uint";
    /// A binary operator that viper does not have for integers.
    ViperBinary = ViperTypeError, "viper-binary", "binary op not implemented";
    /// A binary operator between values of types that do not fit.
    ViperOperands = ViperTypeError, "viper-operands", "can't do binary op between these types";
    /// A viper function returns a value of another type than it says.
    ViperReturn = ViperTypeError, "viper-return", "return expected another type";
    /// A viper function raises something that is not an object.
    ViperRaise = ViperTypeError, "viper-raise", "must raise an object";
    /// A viper function uses a value where only an object will do. The official compiler stops with an assertion.
    ViperNotObject = ViperTypeError, "viper-not-object",
        "viper needs an object here";
    /// A cast in a viper function that is used as a value.
    NativeConversion = NotImplementedError, "native-conversion", "conversion to object";
    /// A cast of a cast in a viper function.
    NativeCasting = NotImplementedError, "native-casting", "casting";
    /// `raise` without a value, or with a cause, in native code.
    NativeRaise = NotImplementedError, "native-raise", "native raise";
    /// `yield` in a viper function.
    NativeYield = NotImplementedError, "native-yield", "native yield";
    /// Native code for an architecture that has none.
    NativeArchitecture = NotImplementedError, "native-architecture",
        "cannot emit native code for this architecture";
    /// A native function whose locals and stack are more than its machine can address.
    NativeLocals = NotImplementedError, "native-locals", "too many locals for native method";
    /// A native function for ARMv6-M with a jump over more than 2048 bytes, up to MicroPython 1.25.
    NativeTooBig = NotImplementedError, "native-too-big", "native method too big";
    /// An offset of more than 255 words in a native function for Xtensa, up to MicroPython 1.25.
    NativeOverflow = RuntimeError, "native-overflow", "asm overflow";
    /// Native code that the compiler cannot make. The official compiler stops with an assertion.
    NativeImpossible = RuntimeError, "native-impossible", "this function can't be native code";
    /// A decorator of an inline assembler at a class.
    AssemblerNotFunction = SyntaxError, "assembler-not-function", "inline assembler must be a function";
    /// An assembler function returns a type that there is not.
    AssemblerReturnType = SyntaxError, "assembler-return-type", "unknown type";
    /// An assembler function has something else than a name after `->`.
    AssemblerReturnAnnotation = SyntaxError, "assembler-return-annotation", "return annotation must be an identifier";
    /// A parameter of an assembler function is not the register that the argument comes in.
    AssemblerParameters = SyntaxError, "assembler-parameters", "parameters must be registers in sequence";
    /// A statement of an assembler function is not an instruction.
    NotAnInstruction = SyntaxError, "not-an-instruction", "expecting an assembler instruction";
    /// `label()` with something else than a name.
    LabelOperands = SyntaxError, "label-operands", "'label' requires 1 argument";
    /// A label with the name of another one.
    LabelRedefined = SyntaxError, "label-redefined", "label redefined";
    /// `align()` with something else than a small integer.
    AlignOperands = SyntaxError, "align-operands", "'align' requires 1 argument";
    /// `data()` without a size or without values.
    DataOperands = SyntaxError, "data-operands", "'data' requires at least 2 arguments";
    /// `data()` of something else than integers.
    DataNotIntegers = SyntaxError, "data-not-integers", "'data' requires integer arguments";
    /// An instruction that the inline assembler does not have for the architecture.
    UnknownInstruction = SyntaxError, "unknown-instruction", "unsupported instruction";
    /// An instruction of an inline assembler with an operand that it can't have.
    AssemblerOperand = SyntaxError, "assembler-operand", "unsupported operand of an instruction";
    /// A jump to a label that there is not.
    LabelNotDefined = SyntaxError, "label-not-defined", "label not defined";
    /// A branch whose label is too far away.
    BranchNotInRange = SyntaxError, "branch-not-in-range", "branch not in range";
    /// A branch on a comparison with 0, in Xtensa code, whose label is too far away.
    ZeroBranchRange = RuntimeError, "zero-branch-range", "ERROR: xtensa bccz out of range";
    /// A branch on a comparison, in Xtensa code, whose label is too far away.
    BranchRange = RuntimeError, "branch-range", "ERROR: xtensa bcc out of range";
    /// An instruction of the Xtensa assembler whose label is too far away or not aligned.
    AssemblerRange = RuntimeError, "assembler-range", "ERROR: xtensa out of range";
    /// A number that does not fit into a machine word.
    IntegerTooLarge = OverflowError, "integer-too-large", "overflow converting long int to machine word";
    /// Machine code that gets another size in each pass, because a jump to a later label is measured as one to
    /// an earlier label. The official compiler stops with an assertion.
    AssemblerUnstable = RuntimeError, "assembler-unstable", "the assembler can't find the places of the labels";
    /// `break` or `continue` outside a loop.
    OutsideLoop = SyntaxError, "outside-loop", "'break'/'continue' outside loop";
    /// `return` outside a function.
    ReturnOutsideFunction = SyntaxError, "return-outside-function", "'return' outside function";
    /// `yield` outside a function.
    YieldOutsideFunction = SyntaxError, "yield-outside-function", "'yield' outside function";
    /// `yield from` in an `async` function, for CircuitPython.
    YieldFromInAsync = SyntaxError, "yield-from-in-async", "'yield from' inside async function";
    /// `await` outside a function.
    AwaitOutsideFunction = SyntaxError, "await-outside-function", "'await' outside function";
    /// `async for` or `async with` outside an `async` function.
    AsyncOutsideAsync = SyntaxError, "async-outside-async", "async for/with outside async function";
    /// `from x import *` in a function or class.
    ImportStar = SyntaxError, "import-star", "import * not at module level";
    /// `global` of a name that is a local already.
    RedefinedAsGlobal = SyntaxError, "redefined-as-global", "identifier redefined as global";
    /// `nonlocal` of a name that is a local already.
    RedefinedAsNonlocal = SyntaxError, "redefined-as-nonlocal", "identifier redefined as nonlocal";
    /// `nonlocal` of a name that no outer function has.
    NoNonlocalBinding = SyntaxError, "no-nonlocal-binding", "no binding for nonlocal found";
    /// `nonlocal` outside a function or class.
    NonlocalInModule = SyntaxError, "nonlocal-in-module", "can't declare nonlocal in outer code";
    /// `except:` before another `except`.
    DefaultExceptNotLast = SyntaxError, "default-except-not-last", "default 'except' must be last";
    /// `super()` in a function without parameters.
    SuperWithoutSelf = SyntaxError, "super-without-self", "super() can't find self";
    /// `f(1=2)`
    KeywordNotName = SyntaxError, "keyword-not-name", "LHS of keyword arg must be an id";
    /// `f(a=1, 2)`
    PositionalAfterKeyword = SyntaxError, "positional-after-keyword", "positional arg after keyword arg";
    /// `f(**a, 1)`
    PositionalAfterDoubleStar = SyntaxError, "positional-after-double-star", "positional arg after **";
    /// `f(a=1, *b)`
    StarAfterKeyword = SyntaxError, "star-after-keyword", "* arg after kwarg";
    /// `f(**a, *b)`
    StarAfterDoubleStar = SyntaxError, "star-after-double-star", "* arg after **";
    /// `*x` after more arguments than a small integer of the board has bits.
    StarTooFarBack = SyntaxError, "star-too-far-back", "too many args";
    /// `f(*a, *b)`, up to MicroPython 1.18
    SeveralStars = SyntaxError, "several-stars", "can't have multiple *x";
    /// `f(**a, **b)`, up to MicroPython 1.18
    SeveralDoubleStars = SyntaxError, "several-double-stars", "can't have multiple **x";
    /// `f(*a, 1)`, up to MicroPython 1.18
    PositionalAfterStar = SyntaxError, "positional-after-star", "non-keyword arg after */**";
    /// `f(a=1, 2)`, up to MicroPython 1.18
    PositionalAfterName = SyntaxError, "positional-after-name", "non-keyword arg after keyword arg";
    /// `{1: 2, 3}`
    DictItemWithoutValue = SyntaxError, "dict-item-without-value", "expecting key:value for dict";
    /// `{1, 2: 3}`
    SetItemWithValue = SyntaxError, "set-item-with-value", "expecting just a value for set";

    /// A jump that does not fit into 15 bits.
    JumpTooFar = RuntimeError, "jump-too-far", "bytecode overflow";
    /// Tuples of constants that are nested deeper than the official compiler's stack.
    ConstantsTooDeep = RuntimeError, "constants-too-deep", "maximum recursion depth exceeded";
    /// A module with more names than a board can number.
    TooManyNames = RuntimeError, "too-many-names", "more than 65535 names and short strings";
    /// A function that needs a larger stack than a board can count.
    StackTooLarge = RuntimeError, "stack-too-large", "more than 65535 values on a function's stack";
    /// An inner function uses a local variable whose number does not fit into a byte.
    CellNumberTooLarge = RuntimeError, "cell-number-too-large",
        "an inner function uses a local variable numbered above 255";
    /// An inner function uses more outer variables than fit into a byte.
    TooManyOuterVariables = RuntimeError, "too-many-outer-variables",
        "an inner function uses more than 255 outer variables";
    /// A call with more arguments of one kind than fit into a byte.
    TooManyArguments = RuntimeError, "too-many-arguments", "more than 255 arguments in a call";
    /// An assignment to more targets beside a starred one than fit into a byte.
    TooManyTargets = RuntimeError, "too-many-targets", "more than 255 targets on one side of the starred one";
    /// `break` or `continue` out of more blocks than fit into seven bits.
    TooManyBlocks = RuntimeError, "too-many-blocks", "'break'/'continue' out of more than 127 blocks";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_messages_are_different() {
        for (index, code) in DiagnosticCode::ALL.iter().enumerate() {
            for other in &DiagnosticCode::ALL[..index] {
                assert_ne!(code.name(), other.name());
                assert_ne!(code.message(), other.message());
            }
            let is_name = |letter: char| letter.is_ascii_lowercase() || letter == '-';
            assert!(code.name().chars().all(is_name), "{}", code.name());
        }
    }
}
