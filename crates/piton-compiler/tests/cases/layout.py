

	
if x:
	y = (1,
  2)   # comment
	z = \
		3
    
def f():
        return {
    'a': 1, # one
    'b': """
several
lines
""",
}



















x = f() + \
    g(
)
if y: z = 1; w = 2
