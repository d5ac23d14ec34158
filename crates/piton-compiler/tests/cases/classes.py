class Empty: pass
class Parentheses(): pass
class Base(object, metaclass=type): x = 1
class Derived(Base):
    """Not kept."""
    attribute: int = 5
    def __init__(self, *args):
        super().__init__(*args)
        super().method
        x = super()
        self.__class__ = __class__
    @property
    def value(self): return self._value
    @value.setter
    def value(self, value): self._value = value
    class Inner:
        def method(self): return __class__
    def closure(self):
        return [self.x for x in y]
@decorator
class Decorated: pass
def local():
    class Local:
        y = x
    x = 1
    return Local
