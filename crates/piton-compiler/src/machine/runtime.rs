//! The functions of the runtime that native code calls (`mp_fun_kind_t`, py/nativeglue.h).

/// An entry of the table of runtime functions; the discriminant is its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fun {
    ConstNone = 0,
    ConstFalse = 1,
    ConstTrue = 2,
    ConvertObjectToNative = 3,
    ConvertNativeToObject = 4,
    SwapGlobals = 5,
    LoadName = 6,
    LoadGlobal = 7,
    LoadBuildClass = 8,
    LoadAttribute = 9,
    LoadMethod = 10,
    LoadSuperMethod = 11,
    StoreName = 12,
    StoreGlobal = 13,
    StoreAttribute = 14,
    Subscript = 15,
    IsTrue = 16,
    UnaryOperator = 17,
    BinaryOperator = 18,
    BuildTuple = 19,
    BuildList = 20,
    BuildMap = 21,
    BuildSet = 22,
    StoreSet = 23,
    ListAppend = 24,
    StoreMap = 25,
    MakeFunction = 26,
    CallFunction = 27,
    CallMethod = 28,
    CallMethodWithStars = 29,
    GetIterator = 30,
    NextItem = 31,
    NlrPush = 32,
    NlrPop = 33,
    Raise = 34,
    ImportName = 35,
    ImportFrom = 36,
    ImportAll = 37,
    NewSlice = 38,
    UnpackSequence = 39,
    UnpackEx = 40,
    DeleteName = 41,
    DeleteGlobal = 42,
    NewClosure = 43,
    CheckArgumentCount = 44,
    SetupCodeState = 45,
    FloorDivide = 46,
    Modulo = 47,
    YieldFrom = 48,
    Setjmp = 49,
}

impl Fun {
    /// Returns the index in the table.
    pub(crate) fn index(self) -> usize {
        self as usize
    }
}
