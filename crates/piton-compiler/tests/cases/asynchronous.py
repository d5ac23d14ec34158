async def f(a):
    await a
    x = await a.b(c)
    async for i in a:
        if i: break
        continue
    else:
        await b
    async with a as b, c:
        return d
    async with e: pass
async def nothing(): pass
class C:
    async def __aenter__(self): return await self
@decorator
async def decorated(): return [a for a in await b]
def lambda_await(): return lambda: await x
