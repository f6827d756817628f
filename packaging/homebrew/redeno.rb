# Formula of Redeno for a tap; filled in by scripts/package.ts.
class Redeno < Formula
  desc "Redis-compatible server as one executable"
  homepage "https://github.com/{{repository}}"
  version "{{version}}"
  license "MIT"

  on_macos do
    on_arm do
      url "https://github.com/{{repository}}/releases/download/v{{version}}/redeno-aarch64-apple-darwin"
      sha256 "{{sha256:redeno-aarch64-apple-darwin}}"
    end
    on_intel do
      url "https://github.com/{{repository}}/releases/download/v{{version}}/redeno-x86_64-apple-darwin"
      sha256 "{{sha256:redeno-x86_64-apple-darwin}}"
    end
  end

  on_linux do
    on_arm do
      url "https://github.com/{{repository}}/releases/download/v{{version}}/redeno-aarch64-unknown-linux-gnu"
      sha256 "{{sha256:redeno-aarch64-unknown-linux-gnu}}"
    end
    on_intel do
      url "https://github.com/{{repository}}/releases/download/v{{version}}/redeno-x86_64-unknown-linux-gnu"
      sha256 "{{sha256:redeno-x86_64-unknown-linux-gnu}}"
    end
  end

  def install
    bin.install Dir["redeno-*"].first => "redeno"
    (var/"redeno").mkpath
  end

  service do
    run [opt_bin/"redeno", "--dir", var/"redeno"]
    keep_alive true
    working_dir var/"redeno"
    log_path var/"log/redeno.log"
    error_log_path var/"log/redeno.log"
  end

  test do
    assert_match "redeno={{version}}", shell_output("#{bin}/redeno --version")
  end
end
