//! How each kind of variable is loaded and stored.

use super::support::{function, listing, module};

/// Checks the instructions of one function of a source.
#[track_caller]
fn check(source: &str, name: &str, expected: &str) {
    let module = module(source);
    assert_eq!(
        listing(&module, function(&module, name)),
        expected,
        "{source}"
    );
}

#[test]
fn names_of_a_module_are_looked_up_by_name() {
    check(
        "x = y\n",
        "<module>",
        "LOAD_NAME y; STORE_NAME x; LOAD_CONST_NONE; RETURN_VALUE",
    );
    check(
        "del x\n",
        "<module>",
        "DELETE_NAME x; LOAD_CONST_NONE; RETURN_VALUE",
    );
    check(
        "class A:\n  x = y\n",
        "A",
        "LOAD_NAME __name__; STORE_NAME __module__; LOAD_CONST_STRING A; STORE_NAME __qualname__; LOAD_NAME y; STORE_NAME x; LOAD_CONST_NONE; RETURN_VALUE",
    );
    check(
        "global x\nx = 1\n",
        "<module>",
        "LOAD_CONST_SMALL_INT 1; STORE_GLOBAL x; LOAD_CONST_NONE; RETURN_VALUE",
    );
}

#[test]
fn parameters_and_assigned_names_are_local() {
    check("def f(a): return a\n", "f", "LOAD_FAST 0; RETURN_VALUE");
    check(
        "def f(a, b=1, *c, d, **e): return e\n",
        "f",
        "LOAD_FAST 4; RETURN_VALUE",
    );
    check(
        "def f():\n  x = 1\n  return x\n",
        "f",
        "LOAD_CONST_SMALL_INT 1; STORE_FAST 0; LOAD_FAST 0; RETURN_VALUE",
    );
    check(
        "def f():\n  for x in y: pass\n",
        "f",
        "LOAD_GLOBAL y; GET_ITER_STACK; FOR_ITER; STORE_FAST 0; JUMP; LOAD_CONST_NONE; RETURN_VALUE",
    );
    check(
        "def f():\n  import a.b\n",
        "f",
        "LOAD_CONST_SMALL_INT 0; LOAD_CONST_NONE; IMPORT_NAME a.b; STORE_FAST 0; LOAD_CONST_NONE; RETURN_VALUE",
    );
    check(
        "def f():\n  del x\n",
        "f",
        "DELETE_FAST 0; LOAD_CONST_NONE; RETURN_VALUE",
    );
    check(
        "def f():\n  (x := 1)\n",
        "f",
        "LOAD_CONST_SMALL_INT 1; DUP_TOP; STORE_FAST 0; POP_TOP; LOAD_CONST_NONE; RETURN_VALUE",
    );
    check(
        "def f():\n  x += 1\n",
        "f",
        "LOAD_FAST 0; LOAD_CONST_SMALL_INT 1; BINARY_OP +=; STORE_FAST 0; LOAD_CONST_NONE; RETURN_VALUE",
    );
}

#[test]
fn other_names_of_a_function_are_global() {
    check("def f(): return x\n", "f", "LOAD_GLOBAL x; RETURN_VALUE");
    check(
        "def f():\n  global x\n  x = 1\n",
        "f",
        "LOAD_CONST_SMALL_INT 1; STORE_GLOBAL x; LOAD_CONST_NONE; RETURN_VALUE",
    );
    check(
        "def f():\n  global x\n  del x\n",
        "f",
        "DELETE_GLOBAL x; LOAD_CONST_NONE; RETURN_VALUE",
    );
    // A class does not pass its names to its methods.
    check(
        "class A:\n  x = 1\n  def f(self): return x\n",
        "f",
        "LOAD_GLOBAL x; RETURN_VALUE",
    );
    // The name of a function is local where the function is defined, and global in it.
    check("def f(): return f\n", "f", "LOAD_GLOBAL f; RETURN_VALUE");
}

#[test]
fn variables_of_outer_functions_are_cells() {
    let closure = "def f(a):\n  def g(): return a\n  return g\n";
    check(
        closure,
        "f",
        "LOAD_FAST 0; MAKE_CLOSURE 1; STORE_FAST 1; LOAD_FAST 1; RETURN_VALUE",
    );
    check(closure, "g", "LOAD_DEREF 0; RETURN_VALUE");
    let nonlocal = "def f():\n  x = 1\n  def g():\n    nonlocal x\n    x = 2\n  return x\n";
    check(
        nonlocal,
        "f",
        "LOAD_CONST_SMALL_INT 1; STORE_DEREF 1; LOAD_FAST 1; MAKE_CLOSURE 1; STORE_FAST 0; LOAD_DEREF 1; RETURN_VALUE",
    );
    check(
        nonlocal,
        "g",
        "LOAD_CONST_SMALL_INT 2; STORE_DEREF 0; LOAD_CONST_NONE; RETURN_VALUE",
    );
    // A variable passes through a function that does not use it.
    let through = "def f(a):\n  def g():\n    def h(): return a\n    return h\n  return g\n";
    check(
        through,
        "g",
        "LOAD_FAST 0; MAKE_CLOSURE 1; STORE_FAST 1; LOAD_FAST 1; RETURN_VALUE",
    );
    check(through, "h", "LOAD_DEREF 0; RETURN_VALUE");
    // `del` of a cell.
    let delete = "def f(a):\n  def g(): return a\n  del a\n";
    check(
        delete,
        "f",
        "LOAD_FAST 0; MAKE_CLOSURE 1; STORE_FAST 1; DELETE_DEREF 0; LOAD_CONST_NONE; RETURN_VALUE",
    );
}

#[test]
fn defaults_are_evaluated_outside_of_the_function() {
    check(
        "def f(a=x): return a\n",
        "<module>",
        "LOAD_NAME x; BUILD_TUPLE 1; LOAD_NULL; MAKE_FUNCTION_DEFARGS; STORE_NAME f; LOAD_CONST_NONE; RETURN_VALUE",
    );
    check(
        "def f(a):\n  def g(b=a): return b\n",
        "f",
        "LOAD_FAST 0; BUILD_TUPLE 1; LOAD_NULL; MAKE_FUNCTION_DEFARGS; STORE_FAST 1; LOAD_CONST_NONE; RETURN_VALUE",
    );
    check(
        "def f(a):\n  def g(b=1): return a\n",
        "f",
        "LOAD_CONST_SMALL_INT 1; BUILD_TUPLE 1; LOAD_NULL; LOAD_FAST 0; MAKE_CLOSURE_DEFARGS 1; STORE_FAST 1; LOAD_CONST_NONE; RETURN_VALUE",
    );
    check(
        "x = lambda *, k=1: k\n",
        "<module>",
        "LOAD_NULL; BUILD_MAP 0; LOAD_CONST_SMALL_INT 1; LOAD_CONST_STRING k; STORE_MAP; MAKE_FUNCTION_DEFARGS; STORE_NAME x; LOAD_CONST_NONE; RETURN_VALUE",
    );
}

#[test]
fn comprehensions_have_their_own_variables() {
    let list = "def f(a):\n  return [x + a for x in a]\n";
    check(
        list,
        "f",
        "LOAD_FAST 0; MAKE_CLOSURE 1; LOAD_DEREF 0; CALL_FUNCTION 1+0; RETURN_VALUE",
    );
    check(
        "[x for x in y]\n",
        "<module>",
        "MAKE_FUNCTION; LOAD_NAME y; CALL_FUNCTION 1+0; POP_TOP; LOAD_CONST_NONE; RETURN_VALUE",
    );
    check(
        "[x for x in y]\n",
        "<listcomp>",
        "BUILD_LIST 0; LOAD_FAST 0; GET_ITER_STACK; FOR_ITER; STORE_FAST 1; LOAD_FAST 1; STORE_COMP; JUMP; RETURN_VALUE",
    );
    // `:=` in a comprehension assigns in the function around it.
    check(
        "def f(y):\n  [z := x for x in y]\n  return z\n",
        "f",
        "LOAD_FAST 1; MAKE_CLOSURE 1; LOAD_FAST 0; CALL_FUNCTION 1+0; POP_TOP; LOAD_DEREF 1; RETURN_VALUE",
    );
}

#[test]
fn methods_get_self_for_super() {
    check(
        "class A:\n  def m(self): super().m()\n",
        "m",
        "LOAD_GLOBAL super; LOAD_DEREF 0; LOAD_FAST 1; LOAD_SUPER_METHOD m; CALL_METHOD 0+0; POP_TOP; LOAD_CONST_NONE; RETURN_VALUE",
    );
    check(
        "class A:\n  def m(self): return super\n",
        "m",
        "LOAD_GLOBAL super; RETURN_VALUE",
    );
    check(
        "class A:\n  def m(self): return __class__\n",
        "m",
        "LOAD_DEREF 0; RETURN_VALUE",
    );
}

#[test]
fn exceptions_are_deleted_at_the_end_of_their_clause() {
    let source = "def f():\n  try: a\n  except E as e: b\n  return 1\n";
    let module = module(source);
    let listing = listing(&module, function(&module, "f"));
    let clause = "STORE_FAST 0; SETUP_FINALLY; LOAD_GLOBAL b; POP_TOP; LOAD_CONST_NONE; LOAD_CONST_NONE; STORE_FAST 0; DELETE_FAST 0; END_FINALLY";
    assert!(listing.contains(clause), "{listing}");
}
