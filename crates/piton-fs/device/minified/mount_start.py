def _piton(token,a):
 import sys,select,time,micropython,io
 try:
  from deflate import DeflateIO
 except ImportError:
  DeflateIO=None
 readinto=sys.stdin.buffer.readinto
 poll=select.poll()
 poll.register(sys.stdin,1)
 poll=poll.poll
 d,e=a[not DeflateIO]
 c=bytearray(d)
 micropython.kbd_intr(-1)
 try:
  for g in d,200:
   h=i=0
   while i==h<d:
    print(token,getattr(sys.implementation,"_mpy",0),h,g,DeflateIO is None)
    time.sleep_ms(110)
    i=min(h+g,d)
    while h<i and poll(999):
     h+=readinto(memoryview(c)[h:min(h+32,i)])
   if h==d and sum(c)&65535==e:
    break
   while poll(200):
    readinto(bytearray(1))
  else:
   raise OSError(110)
 finally:
  micropython.kbd_intr(3)
 if DeflateIO:
  c=DeflateIO(io.BytesIO(c),1,13).read()
 exec(c,dict(token=token,readinto=readinto,poll=poll,DeflateIO=DeflateIO))
