using System.Diagnostics;

namespace CozeCluster.Architecture.Tests;

/// <summary><c>.ci/run</c> with a program in the place of <c>dotnet</c> whose tests fail in the first run and pass in the second.</summary>
public sealed class ContinuousIntegrationTests : IDisposable
{
    private const string Dotnet = """
        #!/usr/bin/env bash
        [[ $1 == test ]] || exit 1
        if [[ $* == *--no-build* ]]; then
          echo "Passed!  - Failed:     0, Passed:     $UNSTABLE, Skipped:     0, Total:     $UNSTABLE, Duration: 1 ms - Some.Tests.dll (net10.0)"
          exit 0
        fi
        for ((i = 0; i < UNSTABLE; i++)); do echo "  Failed Some.Tests.Test$i [1 ms]"; done
        echo "Failed!  - Failed:     $UNSTABLE, Passed:    10, Skipped:     0, Total:    20, Duration: 1 ms - Some.Tests.dll (net10.0)"
        exit 1
        """;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("cozecluster-ci-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(1, 0, "11 passed, 0 failed")]
    [InlineData(2, 0, "12 passed, 0 failed")]
    [InlineData(3, 1, "13 passed, 1 failed")]
    public async Task More_than_two_unstable_tests_fail_the_run(int unstable, int exitCode, string results)
    {
        Write(".ci/run", Repository.Read(".ci/run"));
        Write("tests/Some.Tests/Some.Tests.csproj", "");
        Write("bin/dotnet", Dotnet);
        Write("bin/dpkg-query", "#!/usr/bin/env bash\necho 'install ok installed'");
        var start = new ProcessStartInfo("bash", [Path.Combine(_folder.FullName, ".ci/run")]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PATH"] = $"{Path.Combine(_folder.FullName, "bin")}:{start.Environment["PATH"]}";
        start.Environment["UNSTABLE"] = $"{unstable}";

        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync() + await errors;
        await process.WaitForExitAsync();

        Assert.EndsWith($"{results}\n", output, StringComparison.Ordinal);
        Assert.Equal(exitCode, process.ExitCode);
        Assert.Contains("Failed Some.Tests.Test0", output[output.IndexOf("=== Unstable ===", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    private void Write(string name, string text)
    {
        var path = Path.Combine(_folder.FullName, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
