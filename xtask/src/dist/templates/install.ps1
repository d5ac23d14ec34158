# Installs Piton @VERSION@: downloads the archive, checks its SHA-256, and puts the programs into
# %LOCALAPPDATA%\Programs\piton, or into the folder that PITON_INSTALL_DIR names.
$ErrorActionPreference = 'Stop'

$version = '@VERSION@'
$base = '@BASE_URL@'
$sum = '@SHA256_WINDOWS_X86_64@'
$name = "piton-$version-windows-x86_64"
$folder = if ($env:PITON_INSTALL_DIR) { $env:PITON_INSTALL_DIR } else { Join-Path $env:LOCALAPPDATA 'Programs\piton' }

$work = Join-Path ([System.IO.Path]::GetTempPath()) ([System.IO.Path]::GetRandomFileName())
New-Item -ItemType Directory -Path $work | Out-Null
try {
    $archive = Join-Path $work "$name.zip"
    Write-Host "Downloading $name.zip"
    Invoke-WebRequest -UseBasicParsing -Uri "$base/$name.zip" -OutFile $archive
    $found = (Get-FileHash -Algorithm SHA256 -Path $archive).Hash.ToLowerInvariant()
    if ($found -ne $sum) {
        throw "$name.zip has the SHA-256 $found, expected $sum; nothing was installed"
    }
    Expand-Archive -Path $archive -DestinationPath $work
    New-Item -ItemType Directory -Force -Path $folder | Out-Null
    foreach ($program in 'piton.exe', 'mpy-cross.exe') {
        Copy-Item -Force (Join-Path $work "$name\$program") (Join-Path $folder $program)
    }
} finally {
    Remove-Item -Recurse -Force $work
}
$path = [Environment]::GetEnvironmentVariable('Path', 'User')
if (($path -split ';') -notcontains $folder) {
    [Environment]::SetEnvironmentVariable('Path', "$path;$folder", 'User')
    Write-Host "Added $folder to your PATH; open a new terminal"
}
Write-Host "Piton $version is in $folder"
