# The socket module by another name.
from socket import *
