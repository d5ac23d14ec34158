// The version of the VM file that this release of Piton runs. The build script includes this file too, so it uses nothing else.

/// The version of the npm package that holds the VM file: MicroPython 1.29.0, sixth build.
pub const VERSION: &str = "1.29.0-6";

/// The name of the VM file in the package and in the cache.
pub const FILE_NAME: &str = "micropython.wasm";

/// The SHA-512 of the VM file of [`VERSION`], in lower-case hexadecimal.
pub const SHA512: &str = "afd89d219d2e2dc9dffec770f275644e79cca72c283693d4f907afe0f931cff3\
                          1080e54f1db81e78747b921707d73e5af18c931f4c80115e465770c3a3b85683";
