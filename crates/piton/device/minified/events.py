def _piton_events(mark,hooks):
 from binascii import crc32
 names=globals()
 out=hooks["w"]
 queue=[]
 is_open=False
 stays_open=False
 is_taken=0
 def acquire(wait=1):
  nonlocal is_taken
  free=1-is_taken
  is_taken=1
  return wait|free
 def release():
  nonlocal is_taken
  is_taken=0
 try:
  from _thread import allocate_lock
  lock=allocate_lock()
  acquire=lock.acquire
  release=lock.release
 except ImportError:
  pass
 def flush():
  is_mine=True
  while is_mine and queue and is_open:
   leave=int
   try:
    is_mine=acquire(0)
    leave=(int,release)[is_mine]
    while is_mine and queue and is_open:
     out(queue.pop(0))
   finally:
    leave()
 def write(text,body=""):
  nonlocal is_open
  leave=int
  try:
   acquire()
   leave=release
   out(text,body)
   is_open=stays_open
  finally:
   leave()
  flush()
 def piton_event(name,value=None):
  text=repr((name,value))
  if len(queue)>63:
   queue.pop(0)
  queue.append("%s!%d %d %s"%(mark,len(text),crc32(text),text))
  flush()
 def _piton_stream(take_items,number,name,count,time):
  lists=0
  end=None
  while not end:
   found,end=take_items(number,count,time)
   if found:
    piton_event(name,(lists,found))
    lists+=1
  return lists,None if end is True else end
 def opening(function,stays):
  def _piton_run(*arguments):
   nonlocal is_open,stays_open
   stays_open=stays
   is_open=True
   flush()
   try:
    return function(*arguments)
   finally:
    is_open=stays_open=False
  return _piton_run
 hooks["w"]=write
 names["piton_event"]=piton_event
 names["_piton_stream"]=_piton_stream
 names["_piton_call"]=opening(names["_piton_call"],False)
 names["_piton_loop"]=opening(names["_piton_loop"],True)
