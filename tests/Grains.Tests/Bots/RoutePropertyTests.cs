using CozeCluster.Grains.Testing;
using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Bots;

/// <summary>A dry run decides what the request then gets: over random fleets, states and requests.</summary>
public sealed class RoutePropertyTests : GrainTest
{
    private static readonly ErrorCode[] Failures =
    [
        ErrorCode.UpstreamUnavailable, ErrorCode.UpstreamFailed, ErrorCode.UpstreamRateLimited, ErrorCode.UpstreamForbidden, ErrorCode.UpstreamNotFound,
        ErrorCode.UpstreamQuotaExceeded, ErrorCode.ContentFiltered, ErrorCode.UpstreamTimeout,
    ];

    /// <summary>One key, one bot and one account of each fleet have it, so that every run reaches limits.</summary>
    private static readonly LimitsDefinition Few = new() { RequestsPerMinute = 2 };

    private readonly List<(BegunTurn Turn, FakeExchange Exchange, string? Conversation)> _running = [];
    private readonly Dictionary<string, int> _outcomes = [];

    protected override bool OverTheWire => false;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Explain_BeforeARequest_SaysWhatTheRequestThenGets(int seed)
    {
        var random = new Random(seed);
        for (var fleet = 0; fleet < 10; fleet++)
        {
            await Catalog.Import(CreateFleet(random, $"{seed}.{fleet}"));
            for (var step = 0; step < 30; step++)
            {
                if (_running.Count > 0 && random.Next(3) == 0) await EndOne(random);
                else if (_running.Count == 0 && random.Next(8) == 0) Silo.Time.Advance(TimeSpan.FromSeconds(random.Next(1, 40)));
                else await ExplainAndSend(random);
            }
            while (_running.Count > 0) await EndOne(random);
        }
        // The run has met what a request can meet.
        string[] expected =
        [
            "bot", "ModelNotFound", "RateLimited", "NoBotAvailable", "Chosen", "Available", "Skipped", "Refused", "bot AtLimit", "bot Busy", "bot Unavailable",
            "account AtLimit", "account Busy",
        ];
        Assert.All(expected, outcome => Assert.True(_outcomes.ContainsKey(outcome), outcome));
    }

    private void Count(RouteExplanation explained)
    {
        IEnumerable<string> outcomes =
        [
            explained.Error?.Code.ToString() ?? "bot",
            .. explained.Bots.Select(bot => bot.Verdict.ToString()),
            .. explained.Bots.Where(bot => bot.Refusal is not null).Select(bot => $"bot {bot.Refusal!.Kind}"),
            .. explained.Bots.SelectMany(bot => bot.Accounts).Select(account => account.Refusal).OfType<Refusal>().Select(refusal => $"account {refusal.Kind}"),
        ];
        foreach (var outcome in outcomes) _outcomes[outcome] = _outcomes.GetValueOrDefault(outcome) + 1;
    }

    private async Task ExplainAndSend(Random random)
    {
        var name = random.Next(3) == 0 ? $"c{random.Next(4)}" : null;
        if (_running.Exists(running => running.Conversation is not null && running.Conversation == name)) return;
        var request = Request(name, new string('x', random.Next(1, 60))) with { KeyName = random.Next(4) switch { 0 => "k1", 1 => "k2", _ => "k0" } };
        var asked = random.Next(8) switch { 0 => "other", 1 => "any-thing", 2 => "b1", var other => $"m{other % 4}" };
        var question = new RouteQuestion(Tenant, asked)
        {
            KeyName = request.KeyName, ConversationName = name, InputTokens = TurnEstimate.InputOf(request),
        };
        var route = Silo.Grains.GetGrain<IRouteGrain>(Tenant);
        var first = await route.Explain(question);
        var explained = await route.Explain(question);
        Assert.Equal((first.BotId, first.AccountId, first.Error), (explained.BotId, explained.AccountId, explained.Error));

        Count(explained);
        if (explained.Model?.ModelId is not { } model)
        {
            Assert.Equal(ErrorCode.ModelNotFound, explained.Error!.Code);
            Assert.True(Silo.Fleet.FindModel(Tenant, asked) is not { } known || !Silo.Fleet.FindKeyByName(Tenant, request.KeyName)!.MayUse(known.Id));
            return;
        }
        await Send(request with { Model = model }, explained);
    }

    private async Task Send(TurnRequest request, RouteExplanation explained)
    {
        var subscriber = new RecordingSubscriber();
        Assert.True(TurnId.TryGetConversation(request.TurnId, out var key));
        var grain = Silo.Grains.GetGrain<IConversationGrain>(key);
        Error? refusal;
        try
        {
            var start = await grain.Start(request, new Subscription(request.TurnId, Cursor.Start, Silo.Feeds.Open(subscriber).Address));
            refusal = start.Refusal;
        }
        catch (ClusterException exception)
        {
            refusal = exception.ToError();
        }
        var turn = new BegunTurn(request.TurnId, grain, subscriber, request.TurnId);
        if (refusal is null && explained.BotId is not null)
        {
            var exchange = await Upstream.NextOpened();
            Assert.Equal((explained.BotId, explained.AccountId), (exchange.Turn.Bot.Id, exchange.Turn.Account.Id));
            Assert.Equal(RouteVerdict.Chosen, explained.Bots.Single(bot => bot.BotId == explained.BotId).Verdict);
            _running.Add((turn, exchange, request.ConversationName));
            return;
        }
        refusal ??= Assert.IsType<ReplyFailed>(await subscriber.UntilEnd()).Error;
        Assert.Equal(explained.Error, refusal);
        await Settle(turn);
    }

    private async Task EndOne(Random random)
    {
        var at = random.Next(_running.Count);
        var (turn, exchange, _) = _running[at];
        _running.RemoveAt(at);
        var opened = Upstream.OpenedCount;
        if (random.Next(2) == 0)
        {
            exchange.Identify().Say("A reply.").Complete();
        }
        else
        {
            var until = random.Next(3) == 0 ? Silo.Time.GetUtcNow() + TimeSpan.FromSeconds(random.Next(1, 30)) : (DateTimeOffset?)null;
            exchange.Fail(new Error(Failures[random.Next(Failures.Length)], "No.", Until: until));
        }
        while (turn.Subscriber.End is null)
        {
            await PassUntil(() => turn.Subscriber.End is not null || Upstream.OpenedCount > opened);
            if (turn.Subscriber.End is not null) break;
            opened++;
            (await Upstream.NextOpened()).Identify().Say("A reply.").Complete();
        }
        await Settle(turn);
    }

    /// <summary>The deactivation waits for the work of the conversation after the end of the turn.</summary>
    private async Task Settle(BegunTurn turn)
    {
        await TestSilo.DeactivateAsync(turn.Grain);
        await turn.Grain.FindPlace(Tenant);
        await LetGrainsRun();
    }

    private static Fleet CreateFleet(Random random, string version)
    {
        var small = SmallFleet();
        List<string> bots = [.. Enumerable.Range(0, 7).Select(i => $"b{i}")];
        return small with
        {
            Version = version,
            Tenants =
            [
                new TenantDefinition
                {
                    Id = Tenant,
                    MaxConcurrentTurns = Maybe(() => random.Next(2, 6)),
                    Limits = Limits(),
                    Aliases = [new ModelAlias("other", "m0"), new ModelAlias("any-*", "m1")],
                    Keys =
                    [
                        new ApiKeyDefinition("k0", "0", false), new ApiKeyDefinition("k1", "1", false) { Limits = Few },
                        new ApiKeyDefinition("k2", "2", false) { Models = ["m0", "m2"] },
                    ],
                },
            ],
            Accounts =
            [
                .. Enumerable.Range(0, 4).Select(i => small.Accounts[0] with
                {
                    Id = $"a{i}", MaxConcurrentTurns = Maybe(() => 1), Limits = i == 0 ? Few : Limits(),
                }),
            ],
            Bots =
            [
                .. bots.Select(id => small.Bots[0] with
                {
                    Id = id,
                    Accounts = [.. Some(["a0", "a1", "a2", "a3"], 2)],
                    MaxConcurrentTurns = Maybe(() => random.Next(1, 3)),
                    Limits = id == bots[0] ? Few : Limits(),
                    Timeouts = new TurnTimeouts(TimeSpan.FromHours(1), TimeSpan.FromHours(1), TimeSpan.FromHours(1)),
                }),
            ],
            Models = [.. Enumerable.Range(0, 4).Select(i => Model($"m{i}"))],
        };

        ModelDefinition Model(string id)
        {
            List<string> own = [.. Some(bots, random.Next(1, 5))];
            var routing = (RoutingStrategy)random.Next(4);
            return new ModelDefinition
            {
                Id = id,
                Bots = own,
                Fallback = [.. Some([.. bots.Except(own)], random.Next(3))],
                Routing = routing,
                Shares = [.. own.Select(bot => new BotShare(bot) { Weight = random.Next(1, 5), Priority = random.Next(1, 4) })],
                Price = Maybe(() => 0) is null ? null : new PriceDefinition { Request = 1, Output = 2 },
            };
        }

        LimitsDefinition? Limits() => random.Next(3) > 0 ? null : new LimitsDefinition
        {
            RequestsPerMinute = Maybe(() => random.Next(1, 6)),
            TokensPerMinute = Maybe(() => random.Next(1, 20_000)),
            Daily = Maybe(() => 0) is null ? null : new BudgetDefinition { Requests = random.Next(1, 12) },
            Monthly = Maybe(() => 0) is null ? null : new BudgetDefinition { Tokens = random.Next(1, 60_000), Credits = random.Next(1, 20) },
        };

        int? Maybe(Func<int> value) => random.Next(3) == 0 ? value() : null;

        IEnumerable<string> Some(IReadOnlyList<string> of, int count) => of.OrderBy(_ => random.Next()).Take(count);
    }
}
