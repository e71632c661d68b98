using FsCheck;
using FsCheck.Fluent;

namespace CozeCluster.Grains.Abstractions.Tests;

public sealed class TurnIdTests
{
    private const string Alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
    private const string Token = "0123456789abcdefghjkmnpqrs";

    [Fact]
    public void ConversationKey_returns_the_stored_value() =>
        Assert.Equal("conv-3rdsn5tt46rf11wsx47q4fragk", TurnId.ConversationKey("demo", "my chat"));

    [Fact]
    public void FromIdempotencyKey_returns_the_stored_value()
    {
        Assert.Equal("turn_06rnf1s4t8wsk0kq8gcfzxzdp5", TurnId.FromIdempotencyKey("demo", null, "once"));
        Assert.Equal("turn_72hft5papkz3h6xmevxd3wwpzy_3rdsn5tt46rf11wsx47q4fragk", TurnId.FromIdempotencyKey("demo", "my chat", "once"));
    }

    [Fact]
    public void A_turn_without_a_conversation_name_has_its_own_conversation()
    {
        Assert.True(TurnId.TryGetConversation("turn_" + Token, out var conversation));
        Assert.Equal("turn-" + Token, conversation);

        var ids = Enumerable.Range(0, 1000).Select(_ => TurnId.New("demo", null)).ToList();
        Assert.Equal(ids.Count, ids.Distinct().Count());
    }

    [Fact]
    public void A_turn_id_contains_its_named_conversation() => Prop
        .ForAll(ClientNames.Any, ClientNames.Any, (tenant, name) =>
            LeadsTo(TurnId.New(tenant, name), tenant, name) && LeadsTo(TurnId.FromIdempotencyKey(tenant, name, "once"), tenant, name)
            && TurnId.New(tenant, name) != TurnId.New(tenant, name)
            && TurnId.FromIdempotencyKey(tenant, name, "once") == TurnId.FromIdempotencyKey(tenant, name, "once")
            && TurnId.FromIdempotencyKey(tenant, name, "once") != TurnId.FromIdempotencyKey(tenant, name, "twice")
            && TurnId.FromIdempotencyKey(tenant, name, "once") != TurnId.FromIdempotencyKey(tenant, null, "once")
            && TurnId.ConversationKey(tenant, name) != TurnId.ConversationKey(tenant + "x", name)
            && TurnId.ConversationKey(tenant, name) != TurnId.ConversationKey(tenant, name + "x"))
        .QuickCheckThrowOnFailure();

    [Fact]
    public void NewInConversationOf_keeps_the_conversation() => Prop
        .ForAll(ClientNames.Any, ClientNames.Any, (tenant, name) =>
        {
            string?[] conversations = [name, null];
            return conversations.All(conversation =>
            {
                var first = TurnId.New(tenant, conversation);
                var second = TurnId.NewInConversationOf(first);
                var third = TurnId.NewInConversationOf(second);
                return TurnId.TryGetConversation(first, out var one)
                    && TurnId.TryGetConversation(second, out var two)
                    && TurnId.TryGetConversation(third, out var three)
                    && one == two && two == three
                    && GrainKeys.IsNamedConversation(one) == conversation is not null
                    && new[] { first, second, third }.Distinct().Count() == 3
                    && third.Length <= 100;
            });
        })
        .QuickCheckThrowOnFailure();

    [Fact]
    public void A_later_turn_of_a_conversation_without_a_name_contains_the_first_turn()
    {
        Assert.True(TurnId.TryGetConversation("turn_" + Token + "-zzzzzzzzzzzzzzzzzzzzzzzzzz", out var conversation));
        Assert.Equal("turn-zzzzzzzzzzzzzzzzzzzzzzzzzz", conversation);
    }

    [Fact]
    public void BeginsConversation_is_true_only_for_the_first_turn_without_a_conversation_name()
    {
        var first = TurnId.New("acme", null);

        Assert.True(TurnId.BeginsConversation(first));
        Assert.False(TurnId.BeginsConversation(TurnId.NewInConversationOf(first)));
        Assert.False(TurnId.BeginsConversation(TurnId.New("acme", "name")));
    }

    [Fact]
    public void Ids_of_new_turns_are_ordered_by_time()
    {
        var before = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        var times = Enumerable.Range(0, 100).Select(_ => TimeOf(TurnId.New("demo", null))).ToList();
        times.Add(TimeOf(TurnId.New("demo", "my chat")));
        times.Add(TimeOf(TurnId.NewInConversationOf("turn_" + Token)));

        Assert.Equal(times.Order(), times);
        Assert.InRange(times[0], before, times[^1]);
        Assert.InRange(times[^1], times[0], DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
    }

    [Fact]
    public void NewInConversationOf_rejects_other_texts() =>
        Assert.Throws<ArgumentException>(() => TurnId.NewInConversationOf("conv-" + Token));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("turn_")]
    [InlineData(Token)]
    [InlineData("turn-" + Token)]
    [InlineData("TURN_" + Token)]
    [InlineData("turn_" + Token + "0")]
    [InlineData("turn_0123456789abcdefghjkmnpqr")]
    [InlineData("turn_0123456789ABCDEFGHJKMNPQRS")]
    [InlineData("turn_0123456789abcdefghjkmnpqri")]
    [InlineData("turn_" + Token + "_")]
    [InlineData("turn_" + Token + "." + Token)]
    [InlineData("turn_" + Token + "-" + Token + "-" + Token)]
    [InlineData("turn_" + Token + "_" + Token + "_" + Token)]
    [InlineData("turn_" + Token + "_0123456789abcdefghjkmnpq/.")]
    [InlineData("turn_" + Token + "\n")]
    public void TryGetConversation_rejects_other_texts(string? id)
    {
        Assert.False(TurnId.TryGetConversation(id, out var conversation));
        Assert.Equal("", conversation);
    }

    [Fact]
    public void TryGetConversation_rejects_names_of_clients() => Prop
        .ForAll(ClientNames.Any, text => !TurnId.TryGetConversation(text, out _))
        .QuickCheckThrowOnFailure();

    /// <summary>The milliseconds in the first 48 of the 128 bits.</summary>
    private static long TimeOf(string id)
    {
        var bits = id["turn_".Length..][..Token.Length].Aggregate(UInt128.Zero, (sum, c) => sum << 5 | (UInt128)Alphabet.IndexOf(c));
        return (long)(bits >> 80);
    }

    private static bool LeadsTo(string id, string tenant, string name) =>
        TurnId.TryGetConversation(id, out var conversation) && conversation == TurnId.ConversationKey(tenant, name);
}
