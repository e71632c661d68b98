using FsCheck;
using FsCheck.Fluent;

namespace CozeCluster.Grains.Abstractions.Tests;

public sealed class TurnIdTests
{
    private const string Token = "0123456789abcdefghjkmnpqrs";

    [Fact]
    public void A_turn_without_a_conversation_name_has_its_own_conversation()
    {
        Assert.True(TurnId.TryGetConversation("turn_" + Token, out var conversation));
        Assert.Equal("turn-" + Token, conversation);
        Assert.True(TurnId.BeginsConversation("turn_" + Token));
    }

    [Fact]
    public void A_turn_of_a_named_conversation_contains_the_conversation()
    {
        Assert.True(TurnId.TryGetConversation("turn_" + Token + "_zzzzzzzzzzzzzzzzzzzzzzzzzz", out var conversation));
        Assert.Equal("conv-zzzzzzzzzzzzzzzzzzzzzzzzzz", conversation);
        Assert.False(TurnId.BeginsConversation("turn_" + Token + "_zzzzzzzzzzzzzzzzzzzzzzzzzz"));
    }

    [Fact]
    public void A_later_turn_of_a_conversation_without_a_name_contains_the_first_turn()
    {
        Assert.True(TurnId.TryGetConversation("turn_" + Token + "-zzzzzzzzzzzzzzzzzzzzzzzzzz", out var conversation));
        Assert.Equal("turn-zzzzzzzzzzzzzzzzzzzzzzzzzz", conversation);
        Assert.False(TurnId.BeginsConversation("turn_" + Token + "-zzzzzzzzzzzzzzzzzzzzzzzzzz"));
    }

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
}
