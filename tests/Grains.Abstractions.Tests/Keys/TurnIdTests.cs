using FsCheck;
using FsCheck.Fluent;

namespace CozeCluster.Grains.Abstractions.Tests.Keys;

public sealed class TurnIdTests
{
    private const string Token = "0123456789abcdefghjkmnpqrs";

    [Fact]
    public void A_named_conversation_has_the_key_that_stored_data_holds() =>
        Assert.Equal("conv-3rdsn5tt46rf11wsx47q4fragk", TurnId.ConversationKey("demo", "my chat"));

    [Fact]
    public void An_idempotency_key_gives_the_id_that_stored_data_holds()
    {
        Assert.Equal("turn_06rnf1s4t8wsk0kq8gcfzxzdp5", TurnId.FromIdempotencyKey("demo", null, "once"));
        Assert.Equal("turn_72hft5papkz3h6xmevxd3wwpzy_3rdsn5tt46rf11wsx47q4fragk", TurnId.FromIdempotencyKey("demo", "my chat", "once"));
    }

    [Fact]
    public void A_turn_in_a_fresh_conversation_has_a_conversation_of_its_own()
    {
        Assert.True(TurnId.TryGetConversation("turn_" + Token, out var conversation));
        Assert.Equal("turn-" + Token, conversation);

        var ids = Enumerable.Range(0, 1000).Select(_ => TurnId.New("demo", null)).ToList();
        Assert.Equal(ids.Count, ids.Distinct().Count());
    }

    [Fact]
    public void A_turn_in_a_named_conversation_leads_to_it() => Prop
        .ForAll(Names.Any, Names.Any, (tenant, name) =>
            Leads(TurnId.New(tenant, name), tenant, name) && Leads(TurnId.FromIdempotencyKey(tenant, name, "once"), tenant, name)
            && TurnId.New(tenant, name) != TurnId.New(tenant, name)
            && TurnId.FromIdempotencyKey(tenant, name, "once") == TurnId.FromIdempotencyKey(tenant, name, "once")
            && TurnId.FromIdempotencyKey(tenant, name, "once") != TurnId.FromIdempotencyKey(tenant, name, "twice")
            && TurnId.FromIdempotencyKey(tenant, name, "once") != TurnId.FromIdempotencyKey(tenant, null, "once")
            && TurnId.ConversationKey(tenant, name) != TurnId.ConversationKey(tenant + "x", name)
            && TurnId.ConversationKey(tenant, name) != TurnId.ConversationKey(tenant, name + "x"))
        .QuickCheckThrowOnFailure();

    [Fact]
    public void A_later_turn_is_in_the_conversation_of_the_earlier_one() => Prop
        .ForAll(Names.Any, Names.Any, (tenant, name) =>
        {
            string?[] conversations = [name, null];
            return conversations.All(conversation =>
            {
                var first = TurnId.New(tenant, conversation);
                var second = TurnId.NewInConversationOf(first);
                var third = TurnId.NewInConversationOf(second);
                return TurnId.TryGetConversation(first, out var one) && TurnId.TryGetConversation(second, out var two) && TurnId.TryGetConversation(third, out var three)
                    && one == two && two == three
                    && GrainKeys.IsNamedConversation(one) == conversation is not null
                    && new[] { first, second, third }.Distinct().Count() == 3
                    && third.Length <= 100;
            });
        })
        .QuickCheckThrowOnFailure();

    [Fact]
    public void A_later_turn_of_a_fresh_conversation_leads_to_its_first()
    {
        Assert.True(TurnId.TryGetConversation("turn_" + Token + "-zzzzzzzzzzzzzzzzzzzzzzzzzz", out var conversation));
        Assert.Equal("turn-zzzzzzzzzzzzzzzzzzzzzzzzzz", conversation);
    }

    [Fact]
    public void Only_the_first_turn_of_a_fresh_conversation_begins_one()
    {
        var first = TurnId.New("acme", null);

        Assert.True(TurnId.BeginsConversation(first));
        Assert.False(TurnId.BeginsConversation(TurnId.NewInConversationOf(first)));
        Assert.False(TurnId.BeginsConversation(TurnId.New("acme", "name")));
    }

    [Fact]
    public void NewInConversationOf_refuses_what_is_no_turn_id() =>
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
    public void TryGetConversation_refuses_what_is_no_turn_id(string? id)
    {
        Assert.False(TurnId.TryGetConversation(id, out var conversation));
        Assert.Equal("", conversation);
    }

    [Fact]
    public void TryGetConversation_refuses_whatever_a_client_makes_up() => Prop
        .ForAll(Names.Any, text => !TurnId.TryGetConversation(text, out _))
        .QuickCheckThrowOnFailure();

    private static bool Leads(string id, string tenant, string name) =>
        TurnId.TryGetConversation(id, out var conversation) && conversation == TurnId.ConversationKey(tenant, name);
}
