using FsCheck;
using FsCheck.Fluent;

namespace CozeCluster.Grains.Abstractions.Tests;

public sealed class ConversationIdsTests
{
    private const string Alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
    private const int TokenLength = 26;

    private static readonly ConversationIds Ids = new(new byte[ConversationIds.KeyBytes]);
    private static readonly ConversationIds Others = new([.. new byte[ConversationIds.KeyBytes - 1], 1]);

    [Fact]
    public void Derived_ids_are_the_stored_values()
    {
        Assert.Equal("conv-1dnxafrkrf67khh9njtrmcs9k8", Ids.KeyOf("demo", "my chat"));
        Assert.Equal("turn_0hthcfdhkk2afhvx6khkwwvwd6", Ids.TurnOfKey("demo", null, "once"));
        Assert.Equal("turn_7c7k2jcpc3jc5m8bt0fb2cye7y_1dnxafrkrf67khh9njtrmcs9k8", Ids.TurnOfKey("demo", "my chat", "once"));
    }

    [Fact]
    public void Ids_lead_to_their_conversation() => Prop
        .ForAll(ClientNames.Any, ClientNames.Any, (tenant, name) =>
        {
            string?[] conversations = [name, null];
            return conversations.All(conversation =>
            {
                var first = Ids.NewTurn(tenant, conversation);
                var second = Ids.NewTurnAfter(tenant, first);
                var third = Ids.TurnOfKeyAfter(tenant, second, "once");
                return Ids.TryGetConversation(tenant, first, out var one)
                    && Ids.TryGetConversation(tenant, second, out var two)
                    && Ids.TryGetConversation(tenant, third, out var three)
                    && one == two && two == three
                    && TurnId.TryGetConversation(third, out var unchecked_) && unchecked_ == three
                    && (conversation is null || one == Ids.KeyOf(tenant, conversation))
                    && GrainKeys.IsNamedConversation(one) == conversation is not null
                    && TurnId.BeginsConversation(first) == conversation is null && !TurnId.BeginsConversation(second)
                    && new[] { first, second, third }.Distinct().Count() == 3
                    && third.Length <= 100;
            });
        })
        .QuickCheckThrowOnFailure();

    [Fact]
    public void Derived_ids_depend_on_everything_they_are_derived_from() => Prop
        .ForAll(ClientNames.Any, ClientNames.Any, (tenant, name) =>
        {
            var earlier = Ids.NewTurn(tenant, name);
            string[] all =
            [
                Ids.KeyOf(tenant, name), Ids.KeyOf(tenant + "x", name), Ids.KeyOf(tenant, name + "x"), Others.KeyOf(tenant, name),
                Ids.TurnOfKey(tenant, name, "once"), Ids.TurnOfKey(tenant, name, "twice"), Ids.TurnOfKey(tenant, null, "once"),
                Ids.TurnOfKey(tenant + "x", name, "once"), Others.TurnOfKey(tenant, name, "once"),
                Ids.TurnOfKeyAfter(tenant, earlier, "once"), Ids.TurnOfKeyAfter(tenant, earlier, "twice"),
                Ids.TurnOfKeyAfter(tenant, Ids.NewTurn(tenant, name), "once"),
            ];
            return all.Distinct().Count() == all.Length
                && Ids.TurnOfKey(tenant, name, "once") == all[4] && Ids.TurnOfKeyAfter(tenant, earlier, "once") == all[9];
        })
        .QuickCheckThrowOnFailure();

    [Fact]
    public void Ids_of_another_tenant_or_another_key_lead_nowhere() => Prop
        .ForAll(ClientNames.Any, ClientNames.Any, (tenant, name) => new[]
        {
            Ids.NewTurn(tenant, name), Ids.NewTurn(tenant, null), Ids.TurnOfKey(tenant, name, "once"), Ids.NewTurnAfter(tenant, Ids.NewTurn(tenant, null)),
        }.All(id =>
            Ids.TryGetConversation(tenant, id, out _)
            && !Ids.TryGetConversation(tenant + "x", id, out var key) && key.Length == 0
            && !Others.TryGetConversation(tenant, id, out _)))
        .QuickCheckThrowOnFailure();

    [Fact]
    public void Forged_ids_lead_nowhere()
    {
        var (named, first) = (Ids.NewTurn("t", "chat"), Ids.NewTurn("t", null));
        var later = Ids.NewTurnAfter("t", first);
        var token = first["turn_".Length..];
        string?[] forged =
        [
            null, "", "turn_", "nonsense", first.ToUpperInvariant(), first + "0", first + "\n",
            // The conversation of one id, and the token of another.
            named[..("turn_".Length + TokenLength)], first + named[^(TokenLength + 1)..], first + later[^(TokenLength + 1)..], first + "-" + token,
            first + "_" + token, named.Replace('_', '-'), later.Replace('-', '_'),
            .. Enumerable.Range(0, token.Length).Select(i => "turn_" + token[..i] + Other(token[i]) + token[(i + 1)..]),
            .. Enumerable.Range(named.Length - TokenLength, TokenLength).Select(i => named[..i] + Other(named[i]) + named[(i + 1)..]),
            // Bits that 26 characters have and 128 bits do not.
            "turn_" + Alphabet[Alphabet.IndexOf(token[0], StringComparison.Ordinal) | 8] + token[1..],
        ];
        foreach (var id in forged) Assert.False(Ids.TryGetConversation("t", id, out _), id);
        Assert.Throws<ArgumentException>(() => Ids.NewTurnAfter("other", first));
        Assert.Throws<ArgumentException>(() => Ids.TurnOfKeyAfter("t", "turn_" + new string('0', TokenLength), "once"));

        static char Other(char character) => Alphabet[(Alphabet.IndexOf(character, StringComparison.Ordinal) + 1) % Alphabet.Length];
    }

    [Fact]
    public void A_conversation_is_opened_only_by_its_name_or_its_first_turn()
    {
        var (name, first) = (Request("chat"), Request(null));
        var (named, fresh) = (Ids.KeyOf("t", "chat"), "turn-" + first.TurnId["turn_".Length..]);
        var later = first with { TurnId = Ids.NewTurnAfter("t", first.TurnId) };
        var unnamed = name with { ConversationName = null };
        TurnRequest WithOutput(TurnRequest request) => request with { ToolOutputs = [new ToolOutput("call", "sunny")] };

        Assert.True(Ids.Accepts(named, name, opens: true));
        Assert.True(Ids.Accepts(fresh, first, opens: true));
        foreach (var (key, request) in new[]
        {
            (named, unnamed), (named, WithOutput(name)), (named, WithOutput(unnamed)), (fresh, later), (fresh, WithOutput(first)), (fresh, WithOutput(later)),
        })
        {
            Assert.False(Ids.Accepts(key, request, opens: true));
            Assert.True(Ids.Accepts(key, request, opens: false));
        }
        foreach (var opens in new[] { false, true })
        {
            Assert.False(Ids.Accepts(fresh, name, opens));
            Assert.False(Ids.Accepts(named, first, opens));
            Assert.False(Ids.Accepts(named, name with { ConversationName = "other" }, opens));
            Assert.False(Ids.Accepts(named, name with { TenantId = "other" }, opens));
            Assert.False(Ids.Accepts(fresh, first with { TenantId = "other" }, opens));
            Assert.False(Ids.Accepts(fresh, first with { ConversationName = "chat" }, opens));
        }
    }

    [Fact]
    public void Ids_of_new_turns_are_ordered_by_time()
    {
        var before = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        var ids = Enumerable.Range(0, 1000).Select(_ => Ids.NewTurn("demo", null)).ToList();
        var times = ids.Select(TimeOf).Append(TimeOf(Ids.NewTurn("demo", "my chat"))).Append(TimeOf(Ids.NewTurnAfter("demo", ids[0]))).ToList();

        Assert.Equal(ids.Count, ids.Distinct().Count());
        Assert.Equal(times.Order(), times);
        Assert.InRange(times[0], before, times[^1]);
        Assert.InRange(times[^1], times[0], DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
    }

    private static TurnRequest Request(string? conversation) => new()
    {
        TurnId = Ids.NewTurn("t", conversation), TenantId = "t", Model = "m", ConversationName = conversation, Messages = [new ChatMessage(ChatRole.User, [])],
    };

    /// <summary>The milliseconds in the first 48 of the 128 bits.</summary>
    private static long TimeOf(string id)
    {
        var bits = id["turn_".Length..][..TokenLength].Aggregate(UInt128.Zero, (sum, c) => sum << 5 | (UInt128)Alphabet.IndexOf(c, StringComparison.Ordinal));
        return (long)(bits >> 80);
    }
}
