using CozeCluster.Silo.Fleets;
using CozeCluster.Silo.Tests.Hosting;

namespace CozeCluster.Silo.Tests.Fleets;

/// <summary>API keys that are easy to guess need the operator's word if other machines can send them.</summary>
public sealed class WeakKeysTests
{
    private const string Strong = "6f1d0b5c9a7e42d8b3a1c4e7f90256ab";

    private static readonly string TwoKeys = SampleFleet.With("key: key-of-ops", $"key: {Strong}");

    [Fact]
    public void Read_WeakKeyOfReachableNode_IsRefusedAtItsField()
    {
        var problem = Assert.Single(Read(TwoKeys, isReachable: true).Problems);

        Assert.Equal("tenants[0].keys[0].key", problem.Path);
        Assert.Equal((6, 14), (problem.Line, problem.Column));
        Assert.Contains("allow_weak_keys: true", problem.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("key-of-acme", problem.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("\nallow_weak_keys: true", true)]
    [InlineData("\nallow_weak_keys: true", false)]
    public void Read_WeakKeyOnLoopbackOrAllowed_IsAWarning(string more, bool isReachable)
    {
        var result = Read(TwoKeys + more, isReachable);

        Assert.Empty(result.Problems);
        Assert.Equal("API keys that are easy to guess: acme/app. Make random ones: openssl rand -hex 24", Assert.Single(result.File!.Warnings));
    }

    [Fact]
    public void Read_AllowWeakKeysFalse_IsRefused() =>
        Assert.Single(Read(TwoKeys + "\nallow_weak_keys: false", isReachable: true).Problems);

    [Fact]
    public void Read_StrongKeys_NoWarning()
    {
        var text = TwoKeys.Replace("key-of-acme", Strong.Replace('6', '7'), StringComparison.Ordinal);
        Assert.Empty(Read(text, isReachable: true).File!.Warnings);
    }

    [Theory]
    [InlineData("12345678")]
    [InlineData("1234567890123456")]
    [InlineData("98765432109876543210")]
    [InlineData("password12345678")]
    [InlineData("PasswordPassword1")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    [InlineData("abcdefghijklmnopqrstuvwxyz0123456789")]
    [InlineData("abcabcabcabcabcabcabcabcabcabcabcabc")]
    [InlineData("company-website-key")]
    [InlineData("sk-1234567890")]
    public void IsWeak_EasyToGuess_True(string key) => Assert.True(KeyStrength.IsWeak(key));

    [Theory]
    [InlineData(Strong)]
    [InlineData("sk-Zr4vQ9tLx2MwK8pB")]
    [InlineData("9f0c61d2a85b4e73c19d20ab77e4f0168c3d5e9a41b27f60")]
    [InlineData("rhubarb-lantern-copper-violin")]
    public void IsWeak_RandomOrLong_False(string key) => Assert.False(KeyStrength.IsWeak(key));

    [Theory]
    [InlineData("http://127.0.0.1:7077", false)]
    [InlineData("http://localhost:7077;http://[::1]:7077", false)]
    [InlineData("http://*:7077", true)]
    [InlineData("http://127.0.0.1:7077;http://192.0.2.1:7077", true)]
    public void IsReachable_DependsOnAddresses(string urls, bool expected) => Assert.Equal(
        expected,
        (TestSettings.Default with { Endpoints = [.. urls.Split(';').Select(url => CozeCluster.Silo.Hosting.HttpEndpoint.Parse(url)!)] }).IsReachable);

    [Fact]
    public void Read_ErrorText_IsPartOfTheKey()
    {
        var result = SampleFleet.Read(SampleFleet.With("key: key-of-acme", "key: key-of-acme\n        error_text: true"));
        Assert.Equal([true, false], result.File!.Tenants[0].Keys.Select(key => key.ErrorText));
    }

    private static FleetResult Read(string text, bool isReachable) =>
        new FleetReader(new EnvironmentValues(name => SampleFleet.Environment.GetValueOrDefault(name)), isReachable).Read(text, "/");
}
