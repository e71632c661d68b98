using FsCheck;
using FsCheck.Fluent;

namespace CozeCluster.Grains.Abstractions.Tests;

/// <summary>Stored data contains keys, so the values in these tests must never change.</summary>
public sealed class GrainKeysTests
{
    [Fact]
    public void Hash_returns_the_stored_value()
    {
        Assert.Equal("7zx6nen8n2tm282x6z1e05k7qg", GrainKeys.Hash("a"));
        Assert.Equal("3rdsn5tt46rf11wsx47q4fragk", GrainKeys.Hash("conversation", "demo", "my chat"));
        Assert.Equal("0wz3v0gqkg40x9wdeve9b0esca", GrainKeys.Hash("conversation", "demo", "对话 🙂"));
    }

    [Fact]
    public void Encode_writes_the_bytes_as_one_big_endian_number()
    {
        Assert.Equal("00000000000000000000000000", GrainKeys.Encode(new byte[16]));
        Assert.Equal("00000000000000000000000001", GrainKeys.Encode([.. new byte[15], 1]));
        Assert.Equal("7zzzzzzzzzzzzzzzzzzzzzzzzz", GrainKeys.Encode(Enumerable.Repeat((byte)255, 16).ToArray()));
    }

    [Fact]
    public void Encode_returns_different_texts_for_different_bytes() => Prop
        .ForAll(Sixteen, Sixteen, (one, other) =>
            GrainKeys.Encode(one) == GrainKeys.Encode(other) == one.AsSpan().SequenceEqual(other))
        .QuickCheckThrowOnFailure();

    [Fact]
    public void TryDecode_reads_only_what_Encode_writes()
    {
        var bytes = new byte[16];
        Prop.ForAll(Sixteen, sixteen => GrainKeys.TryDecode(GrainKeys.Encode(sixteen), bytes) && bytes.AsSpan().SequenceEqual(sixteen))
            .QuickCheckThrowOnFailure();
        string[] others =
        [
            "", "8zzzzzzzzzzzzzzzzzzzzzzzzz", "zzzzzzzzzzzzzzzzzzzzzzzzzz", "0000000000000000000000000i", "0000000000000000000000000Z",
            new('0', 25), new('0', 27),
        ];
        foreach (var other in others) Assert.False(GrainKeys.TryDecode(other, bytes), other);
    }

    [Fact]
    public void Hash_depends_on_how_names_are_separated()
    {
        string[] hashes =
        [
            GrainKeys.Hash("ab"), GrainKeys.Hash("a", "b"), GrainKeys.Hash("", "ab"), GrainKeys.Hash("ab", ""), GrainKeys.Hash("b", "a"), GrainKeys.Hash(),
        ];
        Assert.Equal(hashes.Length, hashes.Distinct().Count());
    }

    [Fact]
    public void ApiKeyHash_is_a_plain_sha_256()
    {
        Assert.Equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", GrainKeys.ApiKeyHash("abc"));
        Assert.Equal("b29c67b22c8e7fd1c8bea6a1dddec695277f329eb65be8b8f736a24bbbe61703", GrainKeys.ApiKeyHash("sk-sandbox"));
    }

    [Fact]
    public void ModelPool_returns_the_stored_value() =>
        Assert.Equal("pool-3p4ymn8t037hbww1nthqzxw7q5", GrainKeys.ModelPool("demo", "coze-sandbox"));

    [Fact]
    public void Every_key_is_at_most_100_printable_ascii_characters_and_contains_no_name_of_a_client() => Prop
        .ForAll(ClientNames.Any, ClientNames.Any, (one, other) =>
        {
            var ids = new ConversationIds(new byte[ConversationIds.KeyBytes]);
            string[] keys =
            [
                GrainKeys.Hash(one, other), GrainKeys.ApiKeyHash(one), GrainKeys.ModelPool(one, other),
                ids.KeyOf(one, other), ids.NewTurn(one, other), ids.TurnOfKey(one, other, one),
            ];
            return keys.All(key => key.Length is > 0 and <= 100 && key.All(c => c is > ' ' and < '\x7f'))
                && keys.All(key => one.Length < 12 || !key.Contains(one, StringComparison.Ordinal));
        })
        .QuickCheckThrowOnFailure();

    private static readonly Arbitrary<byte[]> Sixteen = ArbMap.Default.GeneratorFor<byte>().ArrayOf(16).ToArbitrary();
}
