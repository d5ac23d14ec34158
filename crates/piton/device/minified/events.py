def _piton_events(mark,hooks):
 from binascii import crc32
 try:
  from _thread import allocate_lock
  lock=allocate_lock()
 except ImportError:
  lock=None
 names=globals()
 out=hooks["w"]
 queue=[]
 is_open=False
 stays_open=False
 is_taken=False
 def take():
  nonlocal is_taken
  if lock:
   return lock.acquire(0)
  if is_taken:
   return False
  is_taken=True
  return True
 def release():
  nonlocal is_taken
  is_taken=False
  if lock:
   lock.release()
 def flush():
  while queue and is_open and take():
   try:
    while queue and is_open:
     out(queue.pop(0))
   finally:
    release()
 def write(text,body=""):
  nonlocal is_open
  while not take():
   pass
  try:
   out(text,body)
   is_open=stays_open
  finally:
   release()
  flush()
 def piton_event(name,value=None):
  text=repr((name,value))
  if len(queue)>63:
   queue.pop(0)
  queue.append("%s!%d %d %s"%(mark,len(text),crc32(text),text))
  flush()
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
 names["_piton_call"]=opening(names["_piton_call"],False)
 names["_piton_loop"]=opening(names["_piton_loop"],True)
