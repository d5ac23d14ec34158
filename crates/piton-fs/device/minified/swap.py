def _piton(folder,journal,begin):
 import os
 def there(path):
  try:
   return os.stat(path)
  except OSError:
   return None
 draft=journal+".piton-next"
 begun=not begin and there(journal)
 entries=ours=None
 try:
  with open(journal if begun else draft)as file:
   if file.read(13)=="piton swap 1\0":
    entries=file.read().split("\0")
    ours=entries.pop()=="."
 except ValueError:
  pass
 for entry in entries or():
  for name in entry[1:].split("/"):
   if name in("",".","..")or"\\"in name or entry[0]not in"+-/":
    ours=False
 if not ours:
  if begun or begin:
   return print(None)
  os.remove(draft)
  return print(False)
 goes=[folder+entry[1:]for entry in entries if entry[:1]=="-"]
 empty=[folder+entry[1:]for entry in entries if entry[:1]=="/"]
 entries=[folder+entry[1:]for entry in entries if entry[:1]=="+"]
 if begin:
  os.rename(draft,journal)
 elif not begun:
  for place in entries:
   for left in place+".piton-next",place+".piton-next.piton-new":
    if there(left):
     os.remove(left)
  os.remove(draft)
  return print(False)
 replaced=[]if begin else entries
 try:
  for place in entries:
   new=place+".piton-next"
   old=place+".piton-old"
   if begin or there(new):
    found=there(place)
    if found:
     if found[0]&0x4000:
      raise OSError(21)
     if there(old):
      os.remove(old)
     os.rename(place,old)
     if begin:
      replaced.append(place)
    os.rename(new,place)
 except BaseException:
  print(repr(place))
  for place in entries:
   new=place+".piton-next"
   old=place+".piton-old"
   if not there(new):
    os.rename(place,new)
   if there(old)and not there(place):
    os.rename(old,place)
  os.remove(journal)
  for place in entries:
   os.remove(place+".piton-next")
  raise
 for place in replaced:
  if there(place+".piton-old"):
   os.remove(place+".piton-old")
 for place in goes:
  if there(place):
   os.remove(place)
 for place in empty:
  try:
   os.rmdir(place)
  except OSError:
   pass
 os.remove(journal)
 print(True)
