using System.Security.Cryptography;
using CozeCluster.Silo.Secrets;

namespace CozeCluster.Silo.Tests.Secrets;

public sealed class AesSecretSealTests
{
    private readonly AesSecretSeal _seal = new(RandomNumberGenerator.GetBytes(AesSecretSeal.KeyBytes));

    [Theory]
    [InlineData("")]
    [InlineData("pat_token")]
    [InlineData("秘密 🔑")]
    public void Open_OwnSeal_ReturnsTheText(string plain) => Assert.Equal(plain, _seal.Open(_seal.Seal(plain)));

    [Fact]
    public void Seal_SameTextTwice_ReturnsDifferentBytesThatAreEqual()
    {
        var (one, other) = (_seal.Seal("a"), _seal.Seal("a"));

        Assert.NotEqual(one.Sealed, other.Sealed);
        Assert.Equal(one, other);
        Assert.NotEqual(one, _seal.Seal("b"));
    }

    [Fact]
    public void Seal_Fingerprint_Has128BitsAndNeedsTheKey()
    {
        var other = new AesSecretSeal(RandomNumberGenerator.GetBytes(AesSecretSeal.KeyBytes));

        Assert.Equal(32, _seal.Seal("a").Fingerprint!.Length);
        Assert.NotEqual(_seal.Seal("a"), other.Seal("a"));
        var plainHash = Convert.ToHexStringLower(SHA256.HashData("a"u8));
        Assert.DoesNotContain(_seal.Seal("a").Fingerprint!, plainHash, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_AnyByteChanged_Fails()
    {
        var bytes = Convert.FromBase64String(_seal.Seal("pat_token").Sealed);
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] ^= 1;
            AssertFails(new Secret(Convert.ToBase64String(bytes)));
            bytes[i] ^= 1;
        }
        Assert.Equal("pat_token", _seal.Open(new Secret(Convert.ToBase64String(bytes))));
    }

    [Theory]
    [InlineData("")]
    [InlineData("not base64!")]
    [InlineData("AQ==")]
    public void Open_NotASeal_Fails(string text) => AssertFails(new Secret(text));

    [Fact]
    public void Open_SealOfAnotherKey_Fails() => AssertFails(new AesSecretSeal(RandomNumberGenerator.GetBytes(AesSecretSeal.KeyBytes)).Seal("a"));

    [Fact]
    public void Choose_StoredSecretOfOneOfTheKeys_EncryptsWithThatKey()
    {
        var (one, other) = (NewKey(), NewKey());
        var stored = new AesSecretSeal(one).Seal("a");
        foreach (var keys in (byte[][][])[[one, other], [other, one]])
        {
            var seal = new AesSecretSeal(keys);
            seal.Choose(null, stored);

            Assert.Equal("b", new AesSecretSeal(one).Open(seal.Seal("b")));
            Assert.Equal(stored, seal.Seal("a"));
        }
    }

    [Fact]
    public void Rotate_FingerprintsStayAndOnlyTheNewKeyIsNeeded()
    {
        var (first, second, third) = (NewKey(), NewKey(), NewKey());
        var before = new AesSecretSeal(first).Seal("a");
        var (rotated, stored) = new AesSecretSeal(first).Rotate(second);
        var seal = new AesSecretSeal(second);
        seal.Choose(stored, rotated.Seal("a"));
        var (again, storedAgain) = seal.Rotate(third);

        Assert.Equal([before, before], [rotated.Seal("a"), again.Seal("a")]);
        Assert.Equal("a", new AesSecretSeal(third).Open(again.Seal("a")));
        var restarted = new AesSecretSeal(third);
        restarted.Choose(storedAgain, null);
        Assert.Equal(before, restarted.Seal("a"));
        var error = Assert.Throws<ClusterException>(() => new AesSecretSeal(first).Choose(storedAgain, null));
        Assert.Contains(AesSecretSeal.IdOf(third), error.Message, StringComparison.Ordinal);
        Assert.Contains(AesSecretSeal.IdOf(first), error.Message, StringComparison.Ordinal);
    }

    private static byte[] NewKey() => RandomNumberGenerator.GetBytes(AesSecretSeal.KeyBytes);

    private void AssertFails(Secret secret)
    {
        var error = Assert.Throws<ClusterException>(() => _seal.Open(secret));
        Assert.Equal(ErrorCode.Internal, error.Code);
    }
}
