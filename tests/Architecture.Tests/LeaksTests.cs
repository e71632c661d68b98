namespace CozeCluster.Architecture.Tests;

/// <summary>No file of the repository contains secrets, or anything that is true on one machine only.</summary>
public sealed class LeaksTests
{
    private static readonly string[] Binary = [".png", ".jpg", ".gif", ".ico", ".woff2", ".pdf", ".zip", ".wav"];

    [Fact]
    public void No_file_contains_a_path_of_one_machine_or_a_registry_or_a_secret()
    {
        var leaks = Repository.TrackedFiles()
            .Where(path => !Binary.Contains(Path.GetExtension(path)))
            .SelectMany(path => Leaks.In(Repository.Read(path)).Select(leak => $"{path} contains {leak}"))
            .ToList();

        Assert.True(leaks.Count == 0, string.Join('\n', leaks));
    }

    // The texts are split, so that this file contains no leak.
    [Theory]
    [InlineData("see /wo", "rk/shared")]
    [InlineData("\"/ro", "ot/.nuget\"")]
    [InlineData("cd /ho", "me/ann/src")]
    [InlineData("https://registry.npm", "js.org/openai")]
    [InlineData("https://api.nu", "get.org/v3/index.json")]
    [InlineData("key gh", "p_0123456789abcdefghijABCDEFGHIJ012345")]
    [InlineData("sk", "-0123456789abcdefghijABCDEFGHIJ0123")]
    [InlineData("Authorization: Bearer pa", "t_0123456789abcdefghijABCDEFGHIJ0123456789")]
    [InlineData("-----BEGIN RSA PRI", "VATE KEY-----\nMIIEpAIBAAKCAQEA")]
    public void A_leak_is_found(string head, string tail) => Assert.Single(Leaks.In(head + tail));

    [Theory]
    [InlineData("sk-sandbox and sk-sandbox-admin are keys of the sandbox alone")]
    [InlineData("GET /v1/workflows/{id}/ro" + "ot/x")]
    [InlineData("src/home/page and ./work/in")]
    [InlineData("dotnet nuget and npm install")]
    public void Ordinary_text_is_no_leak(string text) => Assert.Empty(Leaks.In(text));
}
