class Piton < Formula
  desc "Program MicroPython and CircuitPython boards: talk, copy, compile, build"
  homepage "@BASE_URL@"
  version "@VERSION@"
  license "MIT"

  on_macos do
    on_arm do
      url "@BASE_URL@/piton-@VERSION@-macos-aarch64.tar.gz"
      sha256 "@SHA256_MACOS_AARCH64@"
    end
    on_intel do
      url "@BASE_URL@/piton-@VERSION@-macos-x86_64.tar.gz"
      sha256 "@SHA256_MACOS_X86_64@"
    end
  end
  on_linux do
    on_arm do
      if Hardware::CPU.is_64_bit?
        url "@BASE_URL@/piton-@VERSION@-linux-aarch64.tar.gz"
        sha256 "@SHA256_LINUX_AARCH64@"
      else
        url "@BASE_URL@/piton-@VERSION@-linux-armv7.tar.gz"
        sha256 "@SHA256_LINUX_ARMV7@"
      end
    end
    on_intel do
      url "@BASE_URL@/piton-@VERSION@-linux-x86_64.tar.gz"
      sha256 "@SHA256_LINUX_X86_64@"
    end
  end

  def install
    bin.install "piton"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/piton.bash" => "piton"
    fish_completion.install "completions/piton.fish"
    zsh_completion.install "completions/_piton"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/piton version")
    assert_equal "2", shell_output("#{bin}/piton connect virtual eval 1+1").strip
  end
end
