def _piton(token):
 import uos as os
 try:
  from vfs import mount,umount
 except ImportError:
  mount=os.mount
  umount=os.umount
 try:
  if os.getcwd().startswith("/remote"):
   os.chdir("/")
  umount("/remote")
 except OSError:
  pass
 import io,struct,sys
 from select import poll
 from time import ticks_diff,ticks_ms
 from ubinascii import crc32
 try:
  from deflate import DeflateIO
 except ImportError:
  DeflateIO=None
 am=sys.stdin.buffer.readinto
 al=sys.stdout.buffer.write
 poll=poll()
 poll.register(sys.stdin,1)
 poll=poll.poll
 aj=token.encode()
 ak=bytes(byte|128 for byte in aj[1:5])
 l=0
 m=None
 lost=since=0
 def k(j,i,h,d):
  y=struct.pack("<IBBBH",l,j,i,h,len(d))
  al(aj+y+d+struct.pack("<I",crc32(d,crc32(y))))
 def read(e):
  d=bytearray(e)
  E=memoryview(d)
  v=0
  while v<e:
   G=am(E[v:])
   if not G or E[v]==3:
    raise KeyboardInterrupt
   v+=G
  return d
 def inform(j,d):
  nonlocal l,m
  m=None
  l+=1
  k(j,0,0,d)
 def call(j,d):
  nonlocal l,m,lost,since
  m=None
  C=ticks_ms()
  if lost>1 or lost and ticks_diff(C,since)<500:
   raise OSError(19)
  l+=1
  z=b""
  i=h=0
  A=1000 if lost else 2000
  try:
   while True:
    try:
     k(j,i,h,d)
     y=b""
     while poll(A):
      o=read(1 if i or not y else 10-len(y))
      if i and o[0]in b"\1\r":
       h|=8
       lost=1
       raise KeyboardInterrupt
      if j==254:
       if o[0]|64!=i&63|192:
        if o[0]<128:
         z+=o
        continue
       if D&2 or o[0]<192:
        h|=8
        raise KeyboardInterrupt
       if D&1:
        c=DeflateIO(io.BytesIO(c),1,11).read()
       return n,c
      y+=o
      if len(y)<10:
       if not i and y[0]!=ak[0]:
        z+=y[:1]
        y=y[1:]
       continue
      if y[:4]==ak and y[4]==i|128 and y[5]==l&127|128:
       break
      if not i:
       z+=y[:1]
      y=y[1:]
     else:
      A*=2
      if lost or A>9000:
       lost+=1
       raise OSError(110)
      i+=1
      continue
     e=y[6]&127|(y[7]&127)<<7
     H=e+((y[8]&127|(y[9]&127)<<7)<<1)
     if H>9999:
      raise ValueError
     c=memoryview(read(H))
     while H>e:
      H-=2
      c[c[H]&127|(c[H+1]&127)<<7]&=127
     D,n=struct.unpack_from("<Bh",c)
     H-=4
     if crc32(c[:H],crc32(y[:8]))!=struct.unpack_from("<I",c,H)[0]:
      raise ValueError
     c=bytes(c[3:H])
     lost=0
     if i or D&4 or ticks_diff(ticks_ms(),C)>100:
      j=254
      d=b""
     else:
      if D&1:
       c=DeflateIO(io.BytesIO(c),1,11).read()
      return n,c
    except(IndexError,ValueError):
     h=h+16&255
    except KeyboardInterrupt:
     h+=1
     if h&15>5:
      if h&15<8:
       lost=1
      raise
    i+=1
    if i>99:
     raise OSError(110)
  finally:
   since=ticks_ms()
   k(255,i,h,z)
 def g(j,d):
  n,c=call(j,d)
  if n<0:
   raise OSError(-n)
  return n,c
 class O(io.IOBase):
  def __init__(self,s,I):
   self.s=s
   self.t="b"not in I
   self.c=b""
   self.v=self.w=0
  def p(self,e):
   while len(self.c)-self.v<e:
    if self.w:
     return False
    self.o(*g(5,bytes((self.s,))))
   return True
  def o(self,w,c):
   self.c=self.c[self.v:]+c
   self.v=0
   self.w=w
  def q(self,e):
   c=self.c[self.v:self.v+e]
   self.v+=len(c)
   if not c:
    self.w=self.s==254
   return str(c,"utf8")if self.t else c
  def read(self,e=-1):
   if e is None or e<0:
    e=0
    while self.p(e+1):
     e=len(self.c)-self.v
   elif self.t:
    X=e
    e=0
    while X and self.p(e+1):
     Y=self.c[self.v+e]
     e+=1+(Y>191)+(Y>223)+(Y>239)
     X-=1
   self.p(e)
   return self.q(e)
  def readinto(self,buffer):
   e=len(buffer if isinstance(buffer,(bytearray,memoryview))else bytes(buffer))
   self.p(e)
   e=io.BytesIO(self.c[self.v:self.v+e]).readinto(buffer)
   self.v+=e
   return e
  def readline(self):
   e=0
   while self.p(e+1):
    H=self.c.find(b"\n",self.v+e)+1
    if H:
     return self.q(H-self.v)
    e=len(self.c)-self.v
   return self.q(e)
  def readlines(self):
   return list(self)
  def __iter__(self):
   return self
  def __next__(self):
   an=self.readline()
   if an:
    return an
   raise StopIteration
  def write(self,d):
   if self.v<len(self.c):
    self.seek(0,1)
   d=d.encode()if self.t else bytes(d)
   for v in range(0,len(d),1024):
    g(6,bytes((self.s,))+d[v:v+1024])
   return len(d)
  def flush(self):
   pass
  def seek(self,Z,aa=0):
   if self.s==254:
    self.v=Z+(0,self.v,len(self.c))[aa]
    return self.v
   if aa==1:
    Z-=len(self.c)-self.v
   self.c=b""
   self.v=self.w=0
   return struct.unpack("<i",g(7,struct.pack("<BBi",self.s,aa,Z))[1])[0]
  def tell(self):
   return self.seek(0,1)
  def close(self):
   if self.s<254:
    inform(8,bytes((self.s,)))
   self.s=255
   self.c=b""
   self.v=self.w=0
  def ioctl(self,ac,ad):
   if ac==11:
    return 255
   if ac==4:
    self.close()
   return-22 if ac not in(1,4)else 0
  def __enter__(self):
   return self
  def __exit__(self,*_):
   self.close()
 class P:
  x="/"
  def a(self,a):
   return(a if a[:1]=="/"else self.x+a).encode()
  def mount(self,ae,mkfs):
   pass
  def umount(self):
   pass
  def chdir(self,a):
   self.x="/"if a=="/"else str(g(1,self.a(a))[1],"utf8")
  def getcwd(self):
   return self.x[:-1]or"/"
  def stat(self,a):
   nonlocal m
   L,J,K=m or("",0,None)
   m=None
   if a==L:
    if a[-4:]==".mpy":
     if J:
      m=a,J+3,None
      return(0x8000,)+(0,)*9
     raise OSError(2)
    if not isinstance(K,OSError):
     if J:
      return K
     m=a[:-2]+"mpy",0,None
     raise OSError(2)
    t=io.StringIO()
    sys.print_exception(K,t)
    if t.getvalue().count("\n")==3:
     if J==2:
      return(0x8000,)+(0,)*9
     m=a[:-2]+"mpy",J,None
     raise OSError(2)
   n,c=call(2,self.a(a))
   if n<0:
    K=OSError(-n)
    m=a+".py",c and c[0],K
    raise K
   J=c[20]
   M=[]
   for v in range(0,len(c)-1,21):
    I,e,T,V,W=struct.unpack_from("<IIIII",c,v)
    M.append((I,0,0,0,0,0,e,T,V,W))
   if M[0][0]&0x4000 and J!=3:
    m=a+"/__init__.py",J,M[-1]
   return M[0]
  def open(self,a,I):
   N=m and m[:2]==(a,4)
   s,c=g(4,bytes((bool(N),))+I.encode()+b"\0"+self.a(a))
   Q=O(s,I)
   if c:
    Q.o(c[0],c[1:])
   return Q
  def ilistdir(self,a):
   a=self.a(a)+b"\0"
   Y=g(3,a)
   def S(o,c):
    while True:
     v=0
     while v<len(c):
      j,e,H=struct.unpack_from("<HIB",c,v)
      v+=7
      H+=v
      ag=c[v:H]
      v=H
      yield str(ag,"utf8"),j,0,e
     if not o:
      return
     o,c=g(3,a+ag)
   return S(*Y)
  def remove(self,a):
   g(9,self.a(a))
  def rename(self,ah,ai):
   g(10,self.a(ah)+b"\0"+self.a(ai))
  def mkdir(self,a):
   g(11,self.a(a))
  def rmdir(self,a):
   g(12,self.a(a))
  def statvfs(self,a):
   return struct.unpack("<10I",g(13,self.a(a))[1])
 mount(P(),"/remote")
 os.chdir("/remote")
 print(getattr(sys.implementation,"_mpy",0),int(DeflateIO is not None))
