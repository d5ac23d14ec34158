//! The grammar as a table: one row a rule, in the order and with the names of `py/grammar.h`.
//!
//! The kind says how the arguments are used: `Or` takes the first that fits; `And` takes all in
//! sequence; `AndIdent` makes no node if only one child is not null; `AndBlank` appends a null child,
//! which the compiler uses for a scope; `List` is item (separator item)*; `ListWithEnd` also takes a
//! separator at the end; `OneOrMore` is item+.

use crate::token::Token;

/// How a rule combines its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Or,
    And,
    AndIdent,
    AndBlank,
    List,
    ListWithEnd,
    OneOrMore,
}

/// One argument of a rule.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Argument {
    Token(Token),
    Rule(Rule),
    Optional(Rule),
}

macro_rules! argument {
    (token $name:ident) => {
        Argument::Token(Token::$name)
    };
    (rule $name:ident) => {
        Argument::Rule(Rule::$name)
    };
    (opt $name:ident) => {
        Argument::Optional(Rule::$name)
    };
}

macro_rules! grammar {
    ($($name:ident = $kind:ident [$($kind_of_argument:ident $argument:ident),*];)*) => {
        /// A rule of the grammar, by its name in `py/grammar.h`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Rule {
            $(
                #[doc = concat!("`", stringify!($name), "`")]
                $name,
            )*
        }

        impl Rule {
            /// Every rule, in order.
            pub const ALL: [Rule; Rule::COUNT] = [$(Rule::$name,)*];
            /// The number of rules.
            pub const COUNT: usize = [$(stringify!($name),)*].len();
        }

        const ROWS: [Row; Rule::COUNT] = [
            $(Row { kind: Kind::$kind, arguments: &[$(argument!($kind_of_argument $argument)),*] },)*
        ];
    };
}

/// One row of the grammar.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) kind: Kind,
    pub(crate) arguments: &'static [Argument],
}

grammar! {
    FileInput = AndIdent [opt FileInput2];
    FileInput2 = OneOrMore [rule FileInput3];
    Decorated = AndIdent [rule Decorators, rule DecoratedBody];
    Funcdef = AndBlank [token KwDef, token Name, token DelParenOpen, opt Typedargslist, token DelParenClose, opt Funcdefrettype, token DelColon, rule Suite];
    SimpleStmt2 = ListWithEnd [rule SmallStmt, token DelSemicolon];
    ExprStmt = And [rule TestlistStarExpr, opt ExprStmt2];
    TestlistStarExpr = ListWithEnd [rule TestlistStarExpr2, token DelComma];
    DelStmt = And [token KwDel, rule Exprlist];
    PassStmt = And [token KwPass];
    BreakStmt = And [token KwBreak];
    ContinueStmt = And [token KwContinue];
    ReturnStmt = And [token KwReturn, opt Testlist];
    YieldStmt = And [rule YieldExpr];
    RaiseStmt = And [token KwRaise, opt RaiseStmtArg];
    ImportName = And [token KwImport, rule DottedAsNames];
    ImportFrom = And [token KwFrom, rule ImportFrom2, token KwImport, rule ImportFrom3];
    GlobalStmt = And [token KwGlobal, rule NameList];
    NonlocalStmt = And [token KwNonlocal, rule NameList];
    AssertStmt = And [token KwAssert, rule Test, opt AssertStmtExtra];
    AsyncStmt = And [token KwAsync, rule AsyncStmt2];
    IfStmt = And [token KwIf, rule NamedexprTest, token DelColon, rule Suite, opt IfStmtElifList, opt ElseStmt];
    WhileStmt = And [token KwWhile, rule NamedexprTest, token DelColon, rule Suite, opt ElseStmt];
    ForStmt = And [token KwFor, rule Exprlist, token KwIn, rule Testlist, token DelColon, rule Suite, opt ElseStmt];
    TryStmt = And [token KwTry, token DelColon, rule Suite, rule TryStmt2];
    WithStmt = And [token KwWith, rule WithStmtList, token DelColon, rule Suite];
    SuiteBlockStmts = OneOrMore [rule Stmt];
    NamedexprTest = AndIdent [rule Test, opt NamedexprTest2];
    TestIfExpr = AndIdent [rule OrTest, opt TestIfElse];
    Lambdef = AndBlank [token KwLambda, opt Varargslist, token DelColon, rule Test];
    LambdefNocond = AndBlank [token KwLambda, opt Varargslist, token DelColon, rule TestNocond];
    OrTest = List [rule AndTest, token KwOr];
    AndTest = List [rule NotTest, token KwAnd];
    NotTest2 = And [token KwNot, rule NotTest];
    Comparison = List [rule Expr, rule CompOp];
    StarExpr = And [token OpStar, rule Expr];
    Expr = List [rule XorExpr, token OpPipe];
    XorExpr = List [rule AndExpr, token OpCaret];
    AndExpr = List [rule ShiftExpr, token OpAmpersand];
    ShiftExpr = List [rule ArithExpr, rule ShiftOp];
    ArithExpr = List [rule Term, rule ArithOp];
    Term = List [rule Factor, rule TermOp];
    Factor2 = AndIdent [rule FactorOp, rule Factor];
    Power = AndIdent [rule AtomExpr, opt PowerDblStar];
    AtomExprAwait = And [token KwAwait, rule Atom, opt AtomExprTrailers];
    AtomExprNormal = AndIdent [rule Atom, opt AtomExprTrailers];
    AtomParen = And [token DelParenOpen, opt Atom2b, token DelParenClose];
    AtomBracket = And [token DelBracketOpen, opt TestlistComp, token DelBracketClose];
    AtomBrace = And [token DelBraceOpen, opt Dictorsetmaker, token DelBraceClose];
    TrailerParen = And [token DelParenOpen, opt Arglist, token DelParenClose];
    TrailerBracket = And [token DelBracketOpen, rule Subscriptlist, token DelBracketClose];
    TrailerPeriod = And [token DelPeriod, token Name];
    Subscriptlist = ListWithEnd [rule Subscript, token DelComma];
    Subscript2 = AndIdent [rule Test, opt Subscript3];
    Subscript3 = And [token DelColon, opt Subscript3b];
    Testlist = ListWithEnd [rule Test, token DelComma];
    DictorsetmakerItem = AndIdent [rule Test, opt GenericColonTest];
    Classdef = AndBlank [token KwClass, token Name, opt Classdef2, token DelColon, rule Suite];
    YieldExpr = And [token KwYield, opt YieldArg];
    ConstObject = And [];
    GenericColonTest = AndIdent [token DelColon, rule Test];
    GenericEqualTest = AndIdent [token DelEqual, rule Test];
    SingleInput = Or [token Newline, rule SimpleStmt, rule CompoundStmt];
    FileInput3 = Or [token Newline, rule Stmt];
    EvalInput = AndIdent [rule Testlist, opt EvalInput2];
    EvalInput2 = And [token Newline];
    Decorator = And [token OpAt, rule DottedName, opt TrailerParen, token Newline];
    Decorators = OneOrMore [rule Decorator];
    DecoratedBody = Or [rule Classdef, rule Funcdef, rule AsyncFuncdef];
    AsyncFuncdef = And [token KwAsync, rule Funcdef];
    Funcdefrettype = AndIdent [token DelMinusMore, rule Test];
    Typedargslist = ListWithEnd [rule TypedargslistItem, token DelComma];
    TypedargslistItem = Or [rule TypedargslistName, rule TypedargslistStar, rule TypedargslistDblStar];
    TypedargslistName = AndIdent [token Name, opt GenericColonTest, opt GenericEqualTest];
    TypedargslistStar = And [token OpStar, opt Tfpdef];
    TypedargslistDblStar = And [token OpDblStar, token Name, opt GenericColonTest];
    Tfpdef = And [token Name, opt GenericColonTest];
    Varargslist = ListWithEnd [rule VarargslistItem, token DelComma];
    VarargslistItem = Or [rule VarargslistName, rule VarargslistStar, rule VarargslistDblStar];
    VarargslistName = AndIdent [token Name, opt GenericEqualTest];
    VarargslistStar = And [token OpStar, opt Vfpdef];
    VarargslistDblStar = And [token OpDblStar, token Name];
    Vfpdef = AndIdent [token Name];
    Stmt = Or [rule CompoundStmt, rule SimpleStmt];
    SimpleStmt = AndIdent [rule SimpleStmt2, token Newline];
    SmallStmt = Or [rule DelStmt, rule PassStmt, rule FlowStmt, rule ImportStmt, rule GlobalStmt, rule NonlocalStmt, rule AssertStmt, rule ExprStmt];
    ExprStmt2 = Or [rule Annassign, rule ExprStmtAugassign, rule ExprStmtAssignList];
    ExprStmtAugassign = AndIdent [rule Augassign, rule ExprStmt6];
    ExprStmtAssignList = OneOrMore [rule ExprStmtAssign];
    ExprStmtAssign = AndIdent [token DelEqual, rule ExprStmt6];
    ExprStmt6 = Or [rule YieldExpr, rule TestlistStarExpr];
    TestlistStarExpr2 = Or [rule StarExpr, rule Test];
    Annassign = And [token DelColon, rule Test, opt ExprStmtAssign];
    Augassign = Or [token DelPlusEqual, token DelMinusEqual, token DelStarEqual, token DelAtEqual, token DelSlashEqual, token DelPercentEqual, token DelAmpersandEqual, token DelPipeEqual, token DelCaretEqual, token DelDblLessEqual, token DelDblMoreEqual, token DelDblStarEqual, token DelDblSlashEqual];
    FlowStmt = Or [rule BreakStmt, rule ContinueStmt, rule ReturnStmt, rule RaiseStmt, rule YieldStmt];
    RaiseStmtArg = AndIdent [rule Test, opt RaiseStmtFrom];
    RaiseStmtFrom = AndIdent [token KwFrom, rule Test];
    ImportStmt = Or [rule ImportName, rule ImportFrom];
    ImportFrom2 = Or [rule DottedName, rule ImportFrom2b];
    ImportFrom2b = AndIdent [rule OneOrMorePeriodOrEllipsis, opt DottedName];
    ImportFrom3 = Or [token OpStar, rule ImportAsNamesParen, rule ImportAsNames];
    ImportAsNamesParen = AndIdent [token DelParenOpen, rule ImportAsNames, token DelParenClose];
    OneOrMorePeriodOrEllipsis = OneOrMore [rule PeriodOrEllipsis];
    PeriodOrEllipsis = Or [token DelPeriod, token Ellipsis];
    ImportAsName = And [token Name, opt AsName];
    DottedAsName = AndIdent [rule DottedName, opt AsName];
    AsName = AndIdent [token KwAs, token Name];
    ImportAsNames = ListWithEnd [rule ImportAsName, token DelComma];
    DottedAsNames = List [rule DottedAsName, token DelComma];
    DottedName = List [token Name, token DelPeriod];
    NameList = List [token Name, token DelComma];
    AssertStmtExtra = AndIdent [token DelComma, rule Test];
    CompoundStmt = Or [rule IfStmt, rule WhileStmt, rule ForStmt, rule TryStmt, rule WithStmt, rule Funcdef, rule Classdef, rule Decorated, rule AsyncStmt];
    AsyncStmt2 = Or [rule Funcdef, rule WithStmt, rule ForStmt];
    IfStmtElifList = OneOrMore [rule IfStmtElif];
    IfStmtElif = And [token KwElif, rule NamedexprTest, token DelColon, rule Suite];
    TryStmt2 = Or [rule TryStmtExceptAndMore, rule TryStmtFinally];
    TryStmtExceptAndMore = AndIdent [rule TryStmtExceptList, opt ElseStmt, opt TryStmtFinally];
    TryStmtExcept = And [token KwExcept, opt TryStmtAsName, token DelColon, rule Suite];
    TryStmtAsName = AndIdent [rule Test, opt AsName];
    TryStmtExceptList = OneOrMore [rule TryStmtExcept];
    TryStmtFinally = And [token KwFinally, token DelColon, rule Suite];
    ElseStmt = AndIdent [token KwElse, token DelColon, rule Suite];
    WithStmtList = List [rule WithItem, token DelComma];
    WithItem = AndIdent [rule Test, opt WithItemAs];
    WithItemAs = AndIdent [token KwAs, rule Expr];
    Suite = Or [rule SuiteBlock, rule SimpleStmt];
    SuiteBlock = AndIdent [token Newline, token Indent, rule SuiteBlockStmts, token Dedent];
    NamedexprTest2 = AndIdent [token OpAssign, rule Test];
    Test = Or [rule Lambdef, rule TestIfExpr];
    TestIfElse = And [token KwIf, rule OrTest, token KwElse, rule Test];
    TestNocond = Or [rule LambdefNocond, rule OrTest];
    NotTest = Or [rule NotTest2, rule Comparison];
    CompOp = Or [token OpLess, token OpMore, token OpDblEqual, token OpLessEqual, token OpMoreEqual, token OpNotEqual, token KwIn, rule CompOpNotIn, rule CompOpIs];
    CompOpNotIn = And [token KwNot, token KwIn];
    CompOpIs = And [token KwIs, opt CompOpIsNot];
    CompOpIsNot = And [token KwNot];
    ShiftOp = Or [token OpDblLess, token OpDblMore];
    ArithOp = Or [token OpPlus, token OpMinus];
    TermOp = Or [token OpStar, token OpAt, token OpSlash, token OpPercent, token OpDblSlash];
    Factor = Or [rule Factor2, rule Power];
    FactorOp = Or [token OpPlus, token OpMinus, token OpTilde];
    AtomExpr = Or [rule AtomExprAwait, rule AtomExprNormal];
    AtomExprTrailers = OneOrMore [rule Trailer];
    PowerDblStar = AndIdent [token OpDblStar, rule Factor];
    Atom = Or [token Name, token Integer, token FloatOrImag, token String, token Bytes, token Ellipsis, token KwNone, token KwTrue, token KwFalse, rule AtomParen, rule AtomBracket, rule AtomBrace];
    Atom2b = Or [rule YieldExpr, rule TestlistComp];
    TestlistComp = AndIdent [rule TestlistComp2, opt TestlistComp3];
    TestlistComp2 = Or [rule StarExpr, rule NamedexprTest];
    TestlistComp3 = Or [rule CompFor, rule TestlistComp3b];
    TestlistComp3b = AndIdent [token DelComma, opt TestlistComp3c];
    TestlistComp3c = ListWithEnd [rule TestlistComp2, token DelComma];
    Trailer = Or [rule TrailerParen, rule TrailerBracket, rule TrailerPeriod];
    Subscript = Or [rule Subscript3, rule Subscript2];
    Subscript3b = Or [rule Subscript3c, rule Subscript3d];
    Subscript3c = And [token DelColon, opt Test];
    Subscript3d = AndIdent [rule Test, opt Sliceop];
    Sliceop = And [token DelColon, opt Test];
    Exprlist = ListWithEnd [rule Exprlist2, token DelComma];
    Exprlist2 = Or [rule StarExpr, rule Expr];
    Dictorsetmaker = AndIdent [rule DictorsetmakerItem, opt DictorsetmakerTail];
    DictorsetmakerTail = Or [rule CompFor, rule DictorsetmakerList];
    DictorsetmakerList = And [token DelComma, opt DictorsetmakerList2];
    DictorsetmakerList2 = ListWithEnd [rule DictorsetmakerItem, token DelComma];
    Classdef2 = AndIdent [token DelParenOpen, opt Arglist, token DelParenClose];
    Arglist = ListWithEnd [rule Arglist2, token DelComma];
    Arglist2 = Or [rule ArglistStar, rule ArglistDblStar, rule Argument];
    ArglistStar = And [token OpStar, rule Test];
    ArglistDblStar = And [token OpDblStar, rule Test];
    Argument = AndIdent [rule Test, opt Argument2];
    Argument2 = Or [rule CompFor, rule GenericEqualTest, rule Argument3];
    Argument3 = And [token OpAssign, rule Test];
    CompIter = Or [rule CompFor, rule CompIf];
    CompFor = AndBlank [token KwFor, rule Exprlist, token KwIn, rule OrTest, opt CompIter];
    CompIf = And [token KwIf, rule TestNocond, opt CompIter];
    YieldArg = Or [rule YieldArgFrom, rule Testlist];
    YieldArgFrom = And [token KwFrom, rule Test];
}

/// A set of token kinds, one bit each.
type TokenSet = u128;

/// For each rule, the tokens it can begin with.
///
/// The grammar needs one token of look-ahead only: a rule that can begin with the current token
/// never gives back what it took, and the alternatives of an `Or` rule that the C parser tries in
/// turn differ in their first tokens. So a look into this table replaces its backtracking.
static FIRST: [TokenSet; Rule::COUNT] = first_sets();

const fn first_sets() -> [TokenSet; Rule::COUNT] {
    let mut sets = [0; Rule::COUNT];
    // The longest chain of rules is shorter than the number of rules.
    let mut round = 0;
    while round < 32 {
        let mut rule = 0;
        while rule < Rule::COUNT {
            #[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
            {
                sets[rule] = first_set(&ROWS[rule], &sets);
            }
            rule += 1;
        }
        round += 1;
    }
    sets
}

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const fn first_set(row: &Row, sets: &[TokenSet; Rule::COUNT]) -> TokenSet {
    let mut set = 0;
    let mut index = 0;
    while index < row.arguments.len() {
        set |= match row.arguments[index] {
            Argument::Token(token) => 1 << token as u8,
            Argument::Rule(rule) => sets[rule as usize],
            // An optional first argument: the rule can be empty, so it can begin with anything.
            Argument::Optional(_) => TokenSet::MAX,
        };
        if !matches!(row.kind, Kind::Or) {
            break;
        }
        index += 1;
    }
    set
}

impl Rule {
    /// Returns the row of this rule.
    pub(crate) fn row(self) -> &'static Row {
        #[expect(
            clippy::indexing_slicing,
            reason = "the table has a row for every rule"
        )]
        &ROWS[self as usize]
    }

    /// Returns whether the rule can begin with this token.
    pub(crate) fn begins_with(self, token: Token) -> bool {
        #[expect(
            clippy::indexing_slicing,
            reason = "the table has an entry for every rule"
        )]
        let set = FIRST[self as usize];
        set >> token as u8 & 1 != 0
    }

    /// Returns the rule with this number, as stored in the parse tree.
    #[inline]
    pub(crate) fn from_index(index: u8) -> Rule {
        Rule::ALL
            .get(usize::from(index))
            .copied()
            .unwrap_or(Rule::PassStmt)
    }
}
