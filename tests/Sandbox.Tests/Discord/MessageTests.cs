using System.Net;
using System.Text.Json.Nodes;
using CozeCluster.Sandbox.Discord;
using CozeCluster.TestKit;

namespace CozeCluster.Sandbox.Tests.Discord;

public sealed class MessageTests
{
    private static readonly DiscordSandboxOptions NoLimits = new() { RateLimits = false };

    [Fact]
    public async Task Create_PlainText_ReturnsTheMessage()
    {
        await using var house = await DiscordFixture.StartAsync();

        var sent = await house.SendAsync(DiscordFixture.Account, new JsonObject { ["content"] = "hello", ["nonce"] = 42 });

        Assert.Equal(HttpStatusCode.OK, sent.Status);
        Assert.Equal("hello", sent.Content);
        Assert.Equal(42, sent.Body!["nonce"]!.GetValue<int>());
        Assert.Equal(DiscordFixture.Account.Id, sent.Body["author"]!["id"]!.GetValue<string>());
        Assert.Null(sent.Body["edited_timestamp"]);
    }

    [Fact]
    public async Task Create_V9_IsTakenToo()
    {
        await using var house = await DiscordFixture.StartAsync();

        var me = await house.Http.GetAsync("api/v9/gateway", house.Guard);

        Assert.Equal(HttpStatusCode.OK, me.StatusCode);
    }

    [Fact]
    public async Task Create_2000Units_IsTheMost()
    {
        await using var house = await DiscordFixture.StartAsync();
        // Each of these counts twice.
        var most = string.Concat(Enumerable.Repeat("🚀", 1000));

        var taken = await house.SendAsync(DiscordFixture.Account, most);
        var refused = await house.SendAsync(DiscordFixture.Account, most + "x");

        Assert.Equal(HttpStatusCode.OK, taken.Status);
        Assert.Equal((HttpStatusCode.BadRequest, 50035), (refused.Status, refused.Code));
        Assert.Equal("BASE_TYPE_MAX_LENGTH", refused.Body!["errors"]!["content"]!["_errors"]![0]!["code"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("""{}""", 50006)]
    [InlineData("""{"content":"  "}""", 50006)]
    [InlineData("""{"content":["x"]}""", 50035)]
    [InlineData("""{"content":"x","nonce":"12345678901234567890123456"}""", 50035)]
    [InlineData("""{"content":"x","message_reference":{"message_id":"1"}}""", 50035)]
    [InlineData("""{"content":"x","allowed_mentions":{"parse":["users"],"users":["1"]}}""", 50035)]
    [InlineData("""{"content":"x","flags":32768}""", 50035)]
    public async Task Create_BadBody_NamesWhatIsWrong(string body, int code)
    {
        await using var house = await DiscordFixture.StartAsync();

        var refused = await house.SendAsync(DiscordFixture.Account, JsonNode.Parse(body)!.AsObject());

        Assert.Equal((HttpStatusCode.BadRequest, code), (refused.Status, refused.Code));
    }

    [Fact]
    public async Task Create_BrokenJson_Is50109AndAnotherContentType50035()
    {
        await using var house = await DiscordFixture.StartAsync();
        var path = $"/channels/{DiscordFixture.Guild.GeneralId}/messages";

        var broken = await house.CallAsync(DiscordFixture.Account, "POST", path, content: new StringContent("{", null, "application/json"));
        var text = await house.CallAsync(DiscordFixture.Account, "POST", path, content: new StringContent("hello"));

        Assert.Equal(50109, broken.Code);
        Assert.Equal(50035, text.Code);
    }

    [Fact]
    public async Task Create_InACategory_Is50008()
    {
        await using var house = await DiscordFixture.StartAsync();

        Assert.Equal(50008, (await house.SendAsync(DiscordFixture.Account, "x", DiscordFixture.Guild.CategoryId)).Code);
    }

    [Fact]
    public async Task Create_EnforcedNonceTwice_ReturnsTheFirstMessage()
    {
        await using var house = await DiscordFixture.StartAsync();
        var body = new JsonObject { ["content"] = "once", ["nonce"] = "n", ["enforce_nonce"] = true };

        var first = await house.SendAsync(DiscordFixture.Account, body);
        var second = await house.SendAsync(DiscordFixture.Account, body);
        var other = await house.SendAsync(DiscordSeeds.Accounts[1], body);

        Assert.Equal(first.Id, second.Id);
        Assert.NotEqual(first.Id, other.Id);
        Assert.Equal(1, house.Discord.Records.Count(DiscordRecordKind.NonceMatched));
        Assert.Equal(0, house.Discord.Records.Count(DiscordRecordKind.DoubleSend));
    }

    [Fact]
    public async Task Create_EnforcedNonceAfterMinutes_IsForgotten()
    {
        var time = new ManualTime();
        await using var house = await DiscordFixture.StartAsync(time: time);
        var body = new JsonObject { ["content"] = "once", ["nonce"] = "n", ["enforce_nonce"] = true };

        var first = await house.SendAsync(DiscordFixture.Account, body);
        time.Advance(TimeSpan.FromMinutes(5));
        var second = await house.SendAsync(DiscordFixture.Account, body);

        Assert.NotEqual(first.Id, second.Id);
    }

    [Fact]
    public async Task Create_SameNonceUnenforced_IsRecordedAsADoubleSend()
    {
        await using var house = await DiscordFixture.StartAsync();
        var body = new JsonObject { ["content"] = "twice", ["nonce"] = "n" };

        var first = await house.SendAsync(DiscordFixture.Account, body);
        var second = await house.SendAsync(DiscordFixture.Account, body);

        Assert.NotEqual(first.Id, second.Id);
        Assert.Equal("n", Assert.Single(house.Discord.Records.Of(DiscordRecordKind.DoubleSend)).Detail);
    }

    [Fact]
    public async Task Create_Reply_CarriesItsTargetUntilThatIsDeleted()
    {
        await using var house = await DiscordFixture.StartAsync();
        var target = await house.SendAsync(DiscordSeeds.Accounts[1], "question");

        var reply = await house.SendAsync(DiscordFixture.Account, new JsonObject
        {
            ["content"] = "answer",
            ["message_reference"] = new JsonObject { ["message_id"] = target.Id },
        });
        await house.CallAsync(DiscordSeeds.Accounts[1], "DELETE", $"/channels/{DiscordFixture.Guild.GeneralId}/messages/{target.Id}");
        var later = await house.GetAsync(DiscordFixture.Account, $"/channels/{DiscordFixture.Guild.GeneralId}/messages/{reply.Id}");

        Assert.Equal(19, reply.Body!["type"]!.GetValue<int>());
        Assert.Equal("question", reply.Body["referenced_message"]!["content"]!.GetValue<string>());
        Assert.Equal(DiscordSeeds.Accounts[1].Id, reply.Body["mentions"]![0]!["id"]!.GetValue<string>());
        Assert.True(later.Body!.AsObject().ContainsKey("referenced_message"));
        Assert.Null(later.Body["referenced_message"]);
    }

    [Theory]
    [InlineData(null, 2)]
    [InlineData("""{"parse":[]}""", 0)]
    [InlineData("""{"parse":["users"]}""", 2)]
    [InlineData("""{"users":["1000000000000000031"]}""", 1)]
    public async Task Create_AllowedMentions_DecideWhoIsMentioned(string? allowed, int mentioned)
    {
        await using var house = await DiscordFixture.StartAsync();
        var body = new JsonObject { ["content"] = $"<@{DiscordFixture.CozeBot.Id}> and <@!{DiscordSeeds.CozeBots[1].Id}> and <@1>" };
        if (allowed is not null) body["allowed_mentions"] = JsonNode.Parse(allowed);

        var sent = await house.SendAsync(DiscordFixture.Account, body);

        Assert.Equal(mentioned, sent.Body!["mentions"]!.AsArray().Count);
    }

    [Fact]
    public async Task Edit_OwnMessage_ChangesItAndOthersMayNot()
    {
        await using var house = await DiscordFixture.StartAsync();
        var sent = await house.SendAsync(DiscordFixture.Account, "before");
        var path = $"/channels/{DiscordFixture.Guild.GeneralId}/messages/{sent.Id}";

        var edited = await house.CallAsync(DiscordFixture.Account, "PATCH", path, new JsonObject { ["content"] = "after" });
        var refused = await house.CallAsync(DiscordFixture.Listener, "PATCH", path, new JsonObject { ["content"] = "mine now" });

        Assert.Equal("after", edited.Content);
        Assert.NotNull(edited.Body!["edited_timestamp"]);
        Assert.Equal((HttpStatusCode.Forbidden, 50005), (refused.Status, refused.Code));
    }

    [Fact]
    public async Task Delete_OwnOrWithTheRight_IsDoneOnce()
    {
        await using var house = await DiscordFixture.StartAsync();
        var mine = $"/channels/{DiscordFixture.Guild.GeneralId}/messages/{(await house.SendAsync(DiscordFixture.Account, "x")).Id}";

        var stranger = await house.CallAsync(DiscordSeeds.Accounts[1], "DELETE", mine);
        var manager = await house.CallAsync(DiscordFixture.Listener, "DELETE", mine);
        var again = await house.CallAsync(DiscordFixture.Listener, "DELETE", mine);

        Assert.Equal(50013, stranger.Code);
        Assert.Equal(HttpStatusCode.NoContent, manager.Status);
        Assert.Equal(10008, again.Code);
    }

    [Fact]
    public async Task List_BeforeAfterAround_IsNewestFirst()
    {
        await using var house = await DiscordFixture.StartAsync(NoLimits);
        var ids = new List<string>();
        for (var i = 0; i < 10; i++) ids.Add((await house.SendAsync(DiscordFixture.Account, $"{i}")).Id);

        Assert.Equal("9 8 7 6 5 4 3 2 1 0", await Contents(""));
        Assert.Equal("9 8", await Contents("?limit=2"));
        Assert.Equal("4 3 2", await Contents($"?limit=3&before={ids[5]}"));
        Assert.Equal("8 7 6", await Contents($"?limit=3&after={ids[5]}"));
        Assert.Equal("6 5 4", await Contents($"?limit=3&around={ids[5]}"));
        Assert.Equal(50035, (await house.GetAsync(DiscordFixture.Account, $"/channels/{DiscordFixture.Guild.GeneralId}/messages?limit=101")).Code);

        async Task<string> Contents(string query)
        {
            var list = await house.GetAsync(DiscordFixture.Account, $"/channels/{DiscordFixture.Guild.GeneralId}/messages{query}");
            return string.Join(' ', list.Body!.AsArray().Select(m => m!["content"]!.GetValue<string>()));
        }
    }

    [Fact]
    public async Task Create_InSlowMode_Is20016ForAPlainMember()
    {
        await using var house = await DiscordFixture.StartAsync();
        await house.CallAsync(DiscordFixture.Listener, "PATCH", $"/channels/{DiscordFixture.Guild.GeneralId}", new JsonObject { ["rate_limit_per_user"] = 60 });

        await house.SendAsync(DiscordFixture.Account, "one");
        var two = await house.SendAsync(DiscordFixture.Account, "two");

        Assert.Equal((HttpStatusCode.TooManyRequests, 20016), (two.Status, two.Code));
        Assert.InRange(two.Body!["retry_after"]!.GetValue<double>(), 0, 60);
    }

    [Fact]
    public async Task UnknownRoutes_Are404InDiscordsForm()
    {
        await using var house = await DiscordFixture.StartAsync();

        var answer = await house.GetAsync(DiscordFixture.Listener, "/no/such/thing");

        Assert.Equal("404: Not Found", answer.Body!["message"]!.GetValue<string>());
    }
}
