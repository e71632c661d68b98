using System.Security.Cryptography;
using CozeCluster.Silo.Fleets;

namespace CozeCluster.Silo.Tests.Fleets;

public sealed class SecretFilesTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fleet-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Read_TokenFile_IsRelativeToTheFleetFileAndLosesItsLineBreak()
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "token"), "pat_from_file\n");

        var result = SampleFleet.Read(SampleFleet.With("token: pat_secret_1", "token_file: token"), _folder.FullName);

        Assert.Equal("pat_from_file", result.File!.Accounts[0].Token);
        Assert.Equal(Path.Combine(_folder.FullName, "token"), Assert.Single(result.SecretFiles).Key);
    }

    [Theory]
    [InlineData("", "is empty.")]
    [InlineData("two words", "The file must contain a token: printable ASCII characters, no spaces.")]
    public void Read_BadTokenFile_IsReported(string content, string expected)
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "token"), content);

        var problem = Assert.Single(SampleFleet.Read(SampleFleet.With("token: pat_secret_1", "token_file: token"), _folder.FullName).Problems);

        Assert.Equal("accounts[0].token_file", problem.Path);
        Assert.EndsWith(expected, problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_InvalidFileName_IsReported()
    {
        var text = SampleFleet.With("token: pat_secret_1", """token_file: "to\0ken" """);

        var problem = Assert.Single(SampleFleet.Read(text, _folder.FullName).Problems);

        Assert.Equal(("accounts[0].token_file", "Expected the path of a file."), (problem.Path, problem.Message));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Read_OAuth_ReadsItsKeyFromAFileOrInPlace(bool file)
    {
        using var rsa = RSA.Create(2048);
        var pem = rsa.ExportPkcs8PrivateKeyPem();
        File.WriteAllText(Path.Combine(_folder.FullName, "key.pem"), pem);
        var inPlace = "private_key: |\n" + string.Join('\n', pem.Split('\n').Select(line => "        " + line));

        var result = SampleFleet.Read(OAuth(file ? "private_key_file: key.pem" : inPlace), _folder.FullName);

        Assert.Empty(result.Problems);
        Assert.Equal(new FleetOAuth("1", "fingerprint", pem, null), result.File!.Accounts[0].OAuth);
    }

    [Fact]
    public void Read_PublicKeyInsteadOfPrivateKey_IsReported()
    {
        using var rsa = RSA.Create(2048);
        File.WriteAllText(Path.Combine(_folder.FullName, "key.pem"), rsa.ExportSubjectPublicKeyInfoPem());

        var problem = Assert.Single(SampleFleet.Read(OAuth("private_key_file: key.pem"), _folder.FullName).Problems);

        Assert.Equal("accounts[0].oauth.private_key_file", problem.Path);
        Assert.StartsWith("The file must contain an RSA private key in PEM", problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("private_key: nonsense",
        "18:20: accounts[0].oauth.private_key: Expected an RSA private key in PEM, unencrypted (-----BEGIN PRIVATE KEY-----).")]
    [InlineData("enterprise_account_id: e", "16:7: accounts[0].oauth: Expected exactly one of 'private_key' and 'private_key_file', found none.")]
    [InlineData("private_keyfile: x",
        "16:7: accounts[0].oauth: Expected exactly one of 'private_key' and 'private_key_file', found none.|"
        + "18:7: accounts[0].oauth.private_keyfile: 'private_keyfile' is not a known key. Did you mean 'private_key_file'?")]
    public void Read_OAuthMistakes_AreReported(string key, string expected) =>
        Assert.Equal(expected, string.Join('|', SampleFleet.Read(OAuth(key), _folder.FullName).Problems));

    private static string OAuth(string key) =>
        SampleFleet.With("token: pat_secret_1", $"oauth:\n      app_id: 1\n      key_id: fingerprint\n      {key}");
}
