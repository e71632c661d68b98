using CozeCluster.Silo.Fleets;
using CozeCluster.Silo.Secrets;

namespace CozeCluster.Silo.Tests.Fleets;

public sealed class FleetBuilderTests
{
    private readonly AesSecretSeal _seal = new(new byte[AesSecretSeal.KeyBytes]);

    [Fact]
    public void Build_Secrets_AreEncrypted()
    {
        var fleet = FleetBuilder.Build(SampleFleet.Read(SampleFleet.Text).File!, _seal);

        Assert.Equal("pat_secret_1", _seal.Open(fleet.Accounts[0].Token!));
        Assert.Equal("socks5://user:password@proxy.example:1080", _seal.Open(fleet.Accounts[1].Proxy!));
        Assert.DoesNotContain("pat_secret", System.Text.Json.JsonSerializer.Serialize(fleet, MessagesJson.Default.Fleet), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("admin: true", true, null)]
    [InlineData("admin: false", false, null)]
    [InlineData("role: owner", true, AdminRole.Owner)]
    [InlineData("role: operator", true, AdminRole.Operator)]
    [InlineData("role: viewer", true, AdminRole.Viewer)]
    [InlineData("role: tenant_admin", true, AdminRole.TenantAdmin)]
    public void Build_Role_MakesAnAdminKey(string text, bool isAdmin, AdminRole? role)
    {
        var key = FleetBuilder.Build(SampleFleet.Read(SampleFleet.With("admin: true", text)).File!, _seal).Tenants[0].Keys[1];

        Assert.Equal((isAdmin, role), (key.Admin, key.Role));
    }

    [Fact]
    public void Build_EditElsewhere_SecretsAreEqual()
    {
        var (before, after) = (Build(SampleFleet.Text), Build(SampleFleet.With("20s", "21s")));

        Assert.NotEqual(before.Accounts[0].Token!.Sealed, after.Accounts[0].Token!.Sealed);
        Assert.Equal(before.Accounts[0].Token, after.Accounts[0].Token);
        Assert.Equal(before.Accounts[1].Proxy, after.Accounts[1].Proxy);
        Assert.NotEqual(before.Accounts[0].Token, Build(SampleFleet.With("pat_secret_1", "pat_secret_3")).Accounts[0].Token);
    }

    [Fact]
    public void Build_Version_IsDeclared()
    {
        Assert.Null(Build(SampleFleet.Text).DeclaredVersion);
        Assert.Equal(12, Build("version: 12\n" + SampleFleet.Text).DeclaredVersion);
        Assert.NotEqual(Version("version: 12\n" + SampleFleet.Text), Version("version: 13\n" + SampleFleet.Text));
    }

    [Fact]
    public void Build_SameContent_IsTheSameVersion()
    {
        var first = Version(SampleFleet.Text);

        Assert.Equal(first, Version(SampleFleet.Text));
        Assert.Equal(first, Version("# a comment\n" + SampleFleet.Text));
        Assert.Equal(64, first.Length);
    }

    [Theory]
    [InlineData("pat_secret_1", "pat_secret_3")]
    [InlineData("key-of-acme", "key-of-acne")]
    [InlineData("[main, spare]", "[spare, main]")]
    [InlineData("20s", "21s")]
    [InlineData("user:password", "user:passphrase")]
    public void Build_OtherContent_IsAnotherVersion(string old, string @new) =>
        Assert.NotEqual(Version(SampleFleet.Text), Version(SampleFleet.With(old, @new)));

    [Fact]
    public void Build_OtherKey_IsAnotherVersion()
    {
        var other = new byte[AesSecretSeal.KeyBytes];
        other[0] = 1;

        Assert.NotEqual(Version(SampleFleet.Text), FleetBuilder.Build(SampleFleet.Read(SampleFleet.Text).File!, new AesSecretSeal(other)).Version);
    }

    [Fact]
    public void Build_KeyWasReplaced_IsTheSameVersion()
    {
        var (rotated, _) = _seal.Rotate([.. Enumerable.Repeat((byte)1, AesSecretSeal.KeyBytes)]);

        var fleet = FleetBuilder.Build(SampleFleet.Read(SampleFleet.Text).File!, rotated);

        Assert.Equal(Version(SampleFleet.Text), fleet.Version);
        Assert.Equal(Build(SampleFleet.Text).Accounts[0].Token, fleet.Accounts[0].Token);
        Assert.Throws<ClusterException>(() => _seal.Open(fleet.Accounts[0].Token!));
    }

    private string Version(string text) => Build(text).Version;

    private Fleet Build(string text) => FleetBuilder.Build(SampleFleet.Read(text).File!, _seal);
}
