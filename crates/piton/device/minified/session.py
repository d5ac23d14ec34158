def _piton_call(mark):
 import sys
 from binascii import a2b_base64,crc32
 from io import StringIO
 o={}
 l=0
 a=""
 m=globals()
 p=sys.print_exception
 def k(v):
  o[l]=v
  return l
 def _piton_run(n,c,t,s=""):
  nonlocal l,a
  if n!=l:
   if crc32(t+s,n)!=c:
    return
   a="?"
   l=n
   try:
    v=eval(t,m,{"_k":k,"_o":o,"_b":a2b_base64})
    if s:
     exec(s,m)
    a="R"+repr(bytes(v)if type(v)is memoryview else v)
   except SystemExit:
    raise
   except BaseException as e:
    t=StringIO()
    p(e,t)
    a="E"+repr(t.getvalue())
  print("%s%d %d %s"%(mark,len(a),crc32(a,n),a),end="")
 return _piton_run
