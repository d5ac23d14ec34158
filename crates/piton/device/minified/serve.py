def _piton(h,mark):
 import sys
 from binascii import crc32
 from io import BytesIO,StringIO
 try:
  from array import array
 except ImportError:
  array=None
 try:
  from time import ticks_diff,ticks_ms
 except ImportError:
  ticks_ms=None
 try:
  from deflate import DeflateIO
 except ImportError:
  DeflateIO=None
 i=0
 try:
  from select import poll
  ready=poll()
  ready.register(sys.stdin,1)
 except(ImportError,OSError):
  ready=None
 t={}
 j=k=""
 n=sys.stdin.readline
 read=sys.stdin.buffer.read
 l=sys.stdout.write
 m=sys.stdout.buffer.write
 o={bytes:"B",bytearray:"M",str:"S",array:"A"}
 def write(d,k=""):
  l(d)
  if type(k)is str:
   l(k)
  else:
   m(k)
 p={"w":write,"l":n}
 def q(g):
  t[i]=g
  return i
 def s(O):
  d=StringIO()
  sys.print_exception(O,d)
  return d.getvalue()
 def _piton_items(a,w,time):
  v=[]
  Q=None
  x=0
  y=ticks_ms and ticks_ms()
  try:
   while len(v)<w and x<2048:
    g=next(t[a])
    v.append(g)
    x+=len(g)if type(g)in o else 16
    if not ticks_ms or ticks_diff(ticks_ms(),y)>=time:
     break
  except StopIteration:
   Q=True
  except KeyboardInterrupt:
   raise
  except Exception as O:
   Q=s(O)
  return v,Q
 def _piton_encode(g):
  C=type(g)
  if C is memoryview:
   g=bytes(g)
   C=bytes
  C=o.get(C)
  if not C or len(g)<64:
   return"R",repr(g)
  if C=="A":
   z=repr(g[:0])[7]
   if z not in"bBhHiIlLqQfd":
    return"R",repr(g)
   A=bytes(g)
   return"A%s%d"%(z,len(A)//len(g)),A
  if C=="S":
   g=bytes(g,"utf8")
  return C,g
 def _piton_take(d):
  H,E,*G=d[1:].split(",")
  H=bytes(H,"utf8")
  E,w,*G=[int(x)for x in[E]+G]
  D=bytearray(w)
  S=0
  while True:
   p["w"]("%s?%d "%(mark,S))
   if S==w:
    break
   I=read(12)
   try:
    c=int(I[4:],16)
    I=read(int(I[:4],16)).replace(H,b"\3")
   except ValueError:
    c=-1
   if crc32(I,S)==c:
    D[S:S+len(I)]=I
    S+=len(I)
   else:
    if not ready:
     raise KeyboardInterrupt
    while ready.poll(50):
     read(1)
  if E:
   J=DeflateIO(BytesIO(D),1,E)
   D=bytearray(sum(G))
   J.readinto(D)
  D=memoryview(D)
  S=0
  K=[]
  for x in G:
   K.append(bytes(D[S:S+x]))
   S+=x
  return K[0],K[1],K[2:]
 def L(a):
  c=crc32(k,crc32(j,a))
  p["w"]("%s%d %d %s"%(mark,len(j)+len(k),c,j),k)
 def _piton_run(a,c,d,e=""):
  nonlocal i,j,k
  N=True
  if a!=i:
   if crc32(d+e,a)!=c:
    return
   j="?"
   k=""
   D=None
   try:
    if d[0]=="?":
     d,e,D=_piton_take(d)
    i=a
    if D is None and d[0]!="!":
     g=eval(d,h)
    else:
     if D is None:
      d=d[1:]
     M={"_k":q,"_o":t,"_a":_piton_items,"_h":p,"_d":D}
     g=eval(d,h,M)
    if e:
     exec(e,h)
    j,k=_piton_encode(g)
   except SystemExit:
    raise
   except BaseException as O:
    N=type(O)is not KeyboardInterrupt
    j="E"
    k=repr(s(O))
  L(a)
  return N
 def _piton_loop():
  P=p["l"]().split(" ",2)
  while P[1:]and _piton_run(int(P[0]),int(P[1]),P[2]):
   P=p["l"]().split(" ",2)
 h["_piton_call"]=_piton_run
 h["_piton_loop"]=_piton_loop
 l("%s+%s"%(mark,DeflateIO is not None))
