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
        await using var client = await DiscordClient.StartAsync();

        var sent = await client.SendAsync(DiscordClient.Account, new JsonObject { ["content"] = "hello", ["nonce"] = 42 });

        Assert.Equal(HttpStatusCode.OK, sent.Status);
        Assert.Equal("hello", sent.Content);
        Assert.Equal(42, sent.Body!["nonce"]!.GetValue<int>());
        Assert.Equal(DiscordClient.Account.Id, sent.Body["author"]!["id"]!.GetValue<string>());
        Assert.Null(sent.Body["edited_timestamp"]);
    }

    [Fact]
    public async Task ApiVersion9_IsSupported()
    {
        await using var client = await DiscordClient.StartAsync();

        var me = await client.Http.GetAsync("api/v9/gateway", client.TimeoutToken);

        Assert.Equal(HttpStatusCode.OK, me.StatusCode);
    }

    [Fact]
    public async Task Create_MoreThan2000Units_IsRefused()
    {
        await using var client = await DiscordClient.StartAsync();
        // Each emoji has two UTF-16 units.
        var longest = string.Concat(Enumerable.Repeat("🚀", 1000));

        var taken = await client.SendAsync(DiscordClient.Account, longest);
        var refused = await client.SendAsync(DiscordClient.Account, longest + "x");

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
    public async Task Create_InvalidBody_IsRefusedWithItsCode(string body, int code)
    {
        await using var client = await DiscordClient.StartAsync();

        var refused = await client.SendAsync(DiscordClient.Account, JsonNode.Parse(body)!.AsObject());

        Assert.Equal((HttpStatusCode.BadRequest, code), (refused.Status, refused.Code));
    }

    [Fact]
    public async Task Create_InvalidJsonOrContentType_IsRefused()
    {
        await using var client = await DiscordClient.StartAsync();
        var path = $"/channels/{DiscordClient.Guild.GeneralId}/messages";

        var broken = await client.RequestAsync(DiscordClient.Account, "POST", path, content: new StringContent("{", null, "application/json"));
        var text = await client.RequestAsync(DiscordClient.Account, "POST", path, content: new StringContent("hello"));

        Assert.Equal(50109, broken.Code);
        Assert.Equal(50035, text.Code);
    }

    [Fact]
    public async Task Create_InACategory_Is50008()
    {
        await using var client = await DiscordClient.StartAsync();

        Assert.Equal(50008, (await client.SendAsync(DiscordClient.Account, "x", DiscordClient.Guild.CategoryId)).Code);
    }

    [Fact]
    public async Task Create_EnforcedNonceTwice_ReturnsTheFirstMessage()
    {
        await using var client = await DiscordClient.StartAsync();
        var body = new JsonObject { ["content"] = "once", ["nonce"] = "n", ["enforce_nonce"] = true };

        var first = await client.SendAsync(DiscordClient.Account, body);
        var second = await client.SendAsync(DiscordClient.Account, body);
        var other = await client.SendAsync(DiscordSeeds.Accounts[1], body);

        Assert.Equal(first.Id, second.Id);
        Assert.NotEqual(first.Id, other.Id);
        Assert.Equal(1, client.Discord.Records.Count(DiscordRecordKind.NonceMatched));
        Assert.Equal(0, client.Discord.Records.Count(DiscordRecordKind.DoubleSend));
    }

    [Fact]
    public async Task Create_EnforcedNonceAfterFiveMinutes_CreatesANewMessage()
    {
        var time = new ManualTime();
        await using var client = await DiscordClient.StartAsync(time: time);
        var body = new JsonObject { ["content"] = "once", ["nonce"] = "n", ["enforce_nonce"] = true };

        var first = await client.SendAsync(DiscordClient.Account, body);
        time.Advance(TimeSpan.FromMinutes(5));
        var second = await client.SendAsync(DiscordClient.Account, body);

        Assert.NotEqual(first.Id, second.Id);
    }

    [Fact]
    public async Task Create_SameNonceWithoutEnforcement_IsRecordedAsADoubleSend()
    {
        await using var client = await DiscordClient.StartAsync();
        var body = new JsonObject { ["content"] = "twice", ["nonce"] = "n" };

        var first = await client.SendAsync(DiscordClient.Account, body);
        var second = await client.SendAsync(DiscordClient.Account, body);

        Assert.NotEqual(first.Id, second.Id);
        Assert.Equal("n", Assert.Single(client.Discord.Records.Of(DiscordRecordKind.DoubleSend)).Detail);
    }

    [Fact]
    public async Task Create_Reply_ContainsItsTargetUntilTheTargetIsDeleted()
    {
        await using var client = await DiscordClient.StartAsync();
        var target = await client.SendAsync(DiscordSeeds.Accounts[1], "question");

        var reply = await client.SendAsync(DiscordClient.Account, new JsonObject
        {
            ["content"] = "answer",
            ["message_reference"] = new JsonObject { ["message_id"] = target.Id },
        });
        await client.RequestAsync(DiscordSeeds.Accounts[1], "DELETE", $"/channels/{DiscordClient.Guild.GeneralId}/messages/{target.Id}");
        var later = await client.GetAsync(DiscordClient.Account, $"/channels/{DiscordClient.Guild.GeneralId}/messages/{reply.Id}");

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
    public async Task Create_AllowedMentions_RestrictTheMentions(string? allowed, int mentioned)
    {
        await using var client = await DiscordClient.StartAsync();
        var body = new JsonObject { ["content"] = $"<@{DiscordClient.CozeBot.Id}> and <@!{DiscordSeeds.CozeBots[1].Id}> and <@1>" };
        if (allowed is not null) body["allowed_mentions"] = JsonNode.Parse(allowed);

        var sent = await client.SendAsync(DiscordClient.Account, body);

        Assert.Equal(mentioned, sent.Body!["mentions"]!.AsArray().Count);
    }

    [Fact]
    public async Task Edit_IsAllowedOnlyForTheAuthor()
    {
        await using var client = await DiscordClient.StartAsync();
        var sent = await client.SendAsync(DiscordClient.Account, "before");
        var path = $"/channels/{DiscordClient.Guild.GeneralId}/messages/{sent.Id}";

        var edited = await client.RequestAsync(DiscordClient.Account, "PATCH", path, new JsonObject { ["content"] = "after" });
        var refused = await client.RequestAsync(DiscordClient.Listener, "PATCH", path, new JsonObject { ["content"] = "mine now" });

        Assert.Equal("after", edited.Content);
        Assert.NotNull(edited.Body!["edited_timestamp"]);
        Assert.Equal((HttpStatusCode.Forbidden, 50005), (refused.Status, refused.Code));
    }

    [Fact]
    public async Task Delete_NeedsAuthorshipOrThePermission()
    {
        await using var client = await DiscordClient.StartAsync();
        var mine = $"/channels/{DiscordClient.Guild.GeneralId}/messages/{(await client.SendAsync(DiscordClient.Account, "x")).Id}";

        var stranger = await client.RequestAsync(DiscordSeeds.Accounts[1], "DELETE", mine);
        var manager = await client.RequestAsync(DiscordClient.Listener, "DELETE", mine);
        var again = await client.RequestAsync(DiscordClient.Listener, "DELETE", mine);

        Assert.Equal(50013, stranger.Code);
        Assert.Equal(HttpStatusCode.NoContent, manager.Status);
        Assert.Equal(10008, again.Code);
    }

    [Fact]
    public async Task List_BeforeAfterAround_IsNewestFirst()
    {
        await using var client = await DiscordClient.StartAsync(NoLimits);
        var ids = new List<string>();
        for (var i = 0; i < 10; i++) ids.Add((await client.SendAsync(DiscordClient.Account, $"{i}")).Id);

        Assert.Equal("9 8 7 6 5 4 3 2 1 0", await Contents(""));
        Assert.Equal("9 8", await Contents("?limit=2"));
        Assert.Equal("4 3 2", await Contents($"?limit=3&before={ids[5]}"));
        Assert.Equal("8 7 6", await Contents($"?limit=3&after={ids[5]}"));
        Assert.Equal("6 5 4", await Contents($"?limit=3&around={ids[5]}"));
        Assert.Equal(50035, (await client.GetAsync(DiscordClient.Account, $"/channels/{DiscordClient.Guild.GeneralId}/messages?limit=101")).Code);

        async Task<string> Contents(string query)
        {
            var list = await client.GetAsync(DiscordClient.Account, $"/channels/{DiscordClient.Guild.GeneralId}/messages{query}");
            return string.Join(' ', list.Body!.AsArray().Select(m => m!["content"]!.GetValue<string>()));
        }
    }

    [Fact]
    public async Task Create_InSlowMode_Is20016WithoutThePermission()
    {
        await using var client = await DiscordClient.StartAsync();
        await client.RequestAsync(
            DiscordClient.Listener, "PATCH", $"/channels/{DiscordClient.Guild.GeneralId}", new JsonObject { ["rate_limit_per_user"] = 60 });

        await client.SendAsync(DiscordClient.Account, "one");
        var two = await client.SendAsync(DiscordClient.Account, "two");

        Assert.Equal((HttpStatusCode.TooManyRequests, 20016), (two.Status, two.Code));
        Assert.InRange(two.Body!["retry_after"]!.GetValue<double>(), 0, 60);
    }

    [Fact]
    public async Task UnknownRoute_Is404InDiscordsForm()
    {
        await using var client = await DiscordClient.StartAsync();

        var answer = await client.GetAsync(DiscordClient.Listener, "/no/such/thing");

        Assert.Equal("404: Not Found", answer.Body!["message"]!.GetValue<string>());
    }
}
