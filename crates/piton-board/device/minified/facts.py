def _piton(text):
 facts={"i":__import__}
 at=0
 while at<len(text):
  end=text.find("\n",at)
  try:
   exec(text[at:end],facts)
  except Exception:
   pass
  at=end+1
 del facts["i"]
 print(facts)
_piton(r"""i('gc').collect();free=i('gc').mem_free()
allocated=i('gc').mem_alloc()
implementation=i('sys').implementation.name
release=tuple(i('sys').implementation.version)
version=i('sys').version
platform=i('sys').platform
machine=i('os').uname().machine
machine=i('sys').implementation._machine
build=i('sys').implementation._build
mpy=i('sys').implementation.mpy
mpy=i('sys').implementation._mpy
unique_id=bytes(i('microcontroller').cpu.uid)
unique_id=i('machine').unique_id()
inflate=hasattr(i('deflate'),'DeflateIO')
deflate=hasattr(i('deflate').DeflateIO,'write')
hashlib=[n for n in dir(i('hashlib'))if n in'md5 sha1 sha256 sha512']
hashlib=[n for n in('sha1','sha256')if i('hashlib').new(n)]
base64=hasattr(i('binascii'),'a2b_base64')
stdin_buffer=hasattr(i('sys').stdin,'buffer')
poll=hasattr(i('select'),'poll')
kbd_intr=hasattr(i('micropython'),'kbd_intr')
os=[n for n in dir(i('os'))if n in'chdir getcwd ilistdir listdir mkdir remove rename rmdir stat statvfs']
native=not exec('@micropython.native\ndef f():pass',{})
viper=not exec('@micropython.viper\ndef f():pass',{})
""")
del _piton
