using System.Net;
using System.Text;
using System.Text.Json;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Cdb;

/// <summary>The routes below <c>/api</c>, and what all routes of the Bridge have in common.</summary>
public sealed class CdbTests
{
    private static readonly (string, string) Key = ("key", "sk-test");

    [Theory]
    [InlineData("GET", "/", "这里是Coze-Discord-Bridge的根节点~")]
    [InlineData("GET", "/Ping", "Pong!")]
    [InlineData("POST", "/ping", "Pong!")]
    public async Task Cdb_root_and_ping_are_open(string method, string path, string message)
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, []);

        using var response = await host.Send(method, path);
        var json = await response.ReadJson();

        Assert.Equal((200, message), (json.GetProperty("code").GetInt32(), json.GetProperty("message").GetString()));
        if (path == "/") Assert.Equal(1767225600, json.GetProperty("data").GetProperty("now").GetInt64());
    }

    [Fact]
    public async Task Cdb_robots_are_forbidden()
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, []);

        using var response = await host.Send("GET", "/robots.txt");

        Assert.Equal("User-agent: *\nDisallow: /\n", await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("/api/GetConversations?key=sk-test", null, null)]
    [InlineData("/api/GetConversations", "key", "sk-test")]
    [InlineData("/api/GetConversations", "Authorization", "Bearer sk-test")]
    [InlineData("/api/GETCONVERSATIONS", "Authorization", "sk-test")]
    [InlineData("/api/getconversations?key=", "key", "sk-test")]
    public async Task Cdb_key_is_taken_from_every_place(string path, string? header, string? value)
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, []);

        using var response = await host.Send("GET", path, null, header is null ? [] : [(header, value!)]);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData("""{"key":"sk-test"}""", HttpStatusCode.OK)]
    [InlineData("key=sk-test&name=a", HttpStatusCode.OK)]
    [InlineData("""{"key":"sk-wrong"}""", HttpStatusCode.Forbidden)]
    [InlineData("""{"key":"sk-admin"}""", HttpStatusCode.Forbidden)]
    [InlineData("{}", HttpStatusCode.Forbidden)]
    [InlineData("", HttpStatusCode.Forbidden)]
    public async Task Cdb_key_is_taken_from_the_body(string body, HttpStatusCode expected)
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, []);

        using var response = await host.Send("POST", "/api/GetConversations", new StringContent(body, Encoding.UTF8, "text/plain"));

        Assert.Equal(expected, response.StatusCode);
    }

    [Theory]
    [InlineData("/api/Chat?name=a&prompt=b&key=sk-wrong")]
    [InlineData("/api/Chat?name=a&prompt=b")]
    [InlineData("/v1/models")]
    public async Task Cdb_wrong_keys_get_403(string path)
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, []);

        using var response = await host.Send("GET", path);

        Assert.Equal(
            (HttpStatusCode.Forbidden, """{"code":403,"message":"无权访问本服务"}"""), (response.StatusCode, await response.Content.ReadAsStringAsync()));
    }

    [Theory]
    [InlineData("", null, HttpStatusCode.OK)]
    [InlineData("?key=default", null, HttpStatusCode.OK)]
    [InlineData("", "Bearer sk-of-another-service", HttpStatusCode.OK)]
    [InlineData("?key=sk-wrong", null, HttpStatusCode.Forbidden)]
    public async Task Cdb_bot_without_a_key_is_used_without_a_key(string query, string? authorization, HttpStatusCode expected)
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, [Reply.Text("Hi"), Reply.Stop()], endpoint => endpoint with { Anonymous = "acme" });
        await host.Grains.Bridge().Create("1", "a");

        using var response = await host.Send(
            "POST", "/api/Chat" + query, GatewayHost.Json("""{"name":"a","prompt":"Hi"}"""), authorization is null ? [] : [("Authorization", authorization)]);

        Assert.Equal(expected, response.StatusCode);
    }

    [Theory]
    [InlineData("GET", "/nowhere")]
    [InlineData("GET", "/api/nowhere")]
    [InlineData("DELETE", "/api/Chat")]
    public async Task Cdb_unknown_routes_get_404(string method, string path)
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, []);

        using var response = await host.Send(method, path);

        Assert.Equal((HttpStatusCode.NotFound, """{"code":404,"message":"终结点不存在"}"""), (response.StatusCode, await response.Content.ReadAsStringAsync()));
    }

    [Theory]
    [InlineData("/api/Chat")]
    [InlineData("/nowhere")]
    public async Task Cdb_options_are_answered_everywhere(string path)
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, []);

        using var response = await host.Send("OPTIONS", path, null, ("Origin", "https://chat.example"));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("*", response.Headers.GetValues("access-control-allow-origin").Single());
        Assert.Equal("GET, OPTIONS, POST", response.Headers.GetValues("access-control-allow-methods").Single());
    }

    [Fact]
    public async Task Cdb_address_that_is_not_listed_gets_403()
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, [], endpoint => endpoint with { Networks = ["10.0.0.0/8"] });

        using var response = await host.Send("GET", "/Ping");

        Assert.Equal(
            (HttpStatusCode.Forbidden, """{"code":403,"message":"无权访问本服务"}"""), (response.StatusCode, await response.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task Cdb_routes_exist_for_its_endpoints_only()
    {
        await using var host = await GatewayHost.Start();

        foreach (var path in new[] { "/", "/Ping", "/api/Chat", "/robots.txt" })
            Assert.Equal(HttpStatusCode.NotFound, (await host.Http.GetAsync(path)).StatusCode);
    }

    [Theory]
    [InlineData("GET", "/api/Chat?name=talk&prompt=%E4%BD%A0%E5%A5%BD+1", null)]
    [InlineData("POST", "/api/chat", """{"name":"talk","prompt":"你好 1"}""")]
    [InlineData("POST", "/api/Chat", "name=talk&prompt=%E4%BD%A0%E5%A5%BD+1")]
    [InlineData("POST", "/api/Chat", """{"name":1201576967368085686,"prompt":"你好 1",}""")]
    public async Task Cdb_chat_takes_query_json_and_form(string method, string path, string? body)
    {
        await using var host = await OldClients.Start(
            CompatMode.Cdb, [Reply.Text("哦"), Reply.Item(1, new ImageItem("i", "https://i.example/1.png")), Reply.Stop()]);
        await host.Grains.Bridge().Create("1201576967368085686", "talk");

        using var response = await host.Send(method, path, body is null ? null : new StringContent(body, Encoding.UTF8, "text/plain"), Key);

        Assert.Equal(
            """{"code":200,"message":"成功!","data":{"prompt":"哦","files":["https://i.example/1.png"]}}""", await response.Content.ReadAsStringAsync());
        var request = Assert.Single(host.Grains.Conversations).Request!;
        Assert.Equal(("talk", "bot", "你好 1", true), (request.ConversationName, request.Model, Assert.Single(request.Messages).Text, request.Survive));
    }

    [Fact]
    public async Task Cdb_forms_and_bodies_of_strangers_are_limited()
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, [Reply.Text("Hi"), Reply.Stop()]);
        await host.Grains.Bridge().Create("1", "talk");
        var text = new string('x', (8 << 20) + 1);

        using var form = await host.Send("POST", "/api/Chat", new StringContent("name=talk&prompt=" + text, Encoding.UTF8, "text/plain"), Key);
        using var stranger = await host.Send("POST", "/api/Chat", GatewayHost.Json($$"""{"key":"sk-test","name":"talk","prompt":"{{text}}"}"""));
        using var json = await host.Send("POST", "/api/Chat", GatewayHost.Json($$"""{"name":"talk","prompt":"{{text}}"}"""), Key);

        Assert.Equal((413, 413, 200), ((int)form.StatusCode, (int)stranger.StatusCode, (int)json.StatusCode));
    }

    [Fact]
    public async Task Cdb_chat_sends_a_picture()
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, [Reply.Text("A cat."), Reply.Stop()]);
        await host.Grains.Bridge().Create("1", "talk");
        var picture = Convert.ToBase64String([0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10]);

        using var response = await host.Send("POST", "/api/Chat", GatewayHost.Json($$"""{"name":"talk","prompt":"What is it?","image":"{{picture}}"}"""), Key);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var parts = Assert.Single(Assert.Single(host.Grains.Conversations).Request!.Messages).Content;
        var blob = Assert.IsType<ImageContent>(parts[1]).Source.Blob!;
        Assert.Equal(("default.png", "image/png"), (blob.Name, blob.ContentType));
    }

    [Theory]
    [InlineData("name=nobody&prompt=Hi", "InvalidConversationException")]
    [InlineData("name=talk", "InvalidPromptException")]
    [InlineData("name=talk&prompt=Hi&image=%25%25", "InvalidPromptException")]
    public async Task Cdb_chat_errors_name_an_exception(string query, string name)
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, [Reply.Text("Hi"), Reply.Stop()]);
        await host.Grains.Bridge().Create("1", "talk");

        using var response = await host.Send("GET", "/api/Chat?" + query, null, Key);
        var json = await response.ReadJson();

        Assert.Equal((HttpStatusCode.BadRequest, 400), (response.StatusCode, json.GetProperty("code").GetInt32()));
        Assert.StartsWith(name + ":", json.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal("""{"status":false}""", json.GetProperty("data").GetRawText());
    }

    [Theory]
    [InlineData(ErrorCode.UpstreamTimeout, 400, "RecvMsgException")]
    [InlineData(ErrorCode.UpstreamFailed, 400, "RecvMsgException")]
    [InlineData(ErrorCode.NoBotAvailable, 503, "NoAccountLoginException")]
    [InlineData(ErrorCode.ContextLengthExceeded, 400, "PromptTooLongException")]
    [InlineData(ErrorCode.UpstreamRateLimited, 429, "RecvMsgException")]
    public async Task Cdb_failed_turns_name_an_exception(ErrorCode code, int status, string name)
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, [Reply.Failed(code, "It broke.")]);
        await host.Grains.Bridge().Create("1", "talk");

        using var response = await host.Send("GET", "/api/Chat?name=talk&prompt=Hi", null, Key);

        Assert.Equal(
            (status, $$$"""{"code":{{{status}}},"message":"{{{name}}}:It broke.","data":{"status":false}}"""),
            ((int)response.StatusCode, await response.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task Cdb_conversations_are_created_found_renamed_listed_and_deleted()
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, []);
        async Task<JsonElement> Ask(string path) => await (await host.Send("GET", path, null, Key)).ReadJson();

        var created = await Ask("/api/CreateConversation?name=talk");
        var id = created.GetProperty("data").GetProperty("conversation_id").GetString()!;
        Assert.Equal("创建子频道成功!", created.GetProperty("message").GetString());
        Assert.Equal("talk", created.GetProperty("data").GetProperty("conversation_name").GetString());
        Assert.Matches("^[1-9][0-9]{17,18}$", id);

        var found = await Ask($"/api/ConversationIsFound?name={id}");
        Assert.Equal(
            $$$"""{"code":200,"message":"当前对话存在","data":{"status":true,"conversation_id":"{{{id}}}","conversation_name":"talk"}}""", found.GetRawText());
        Assert.Equal("""{"code":200,"message":"当前对话不存在","data":{"status":false}}""", (await Ask("/api/ConversationIsFound?name=x")).GetRawText());

        var renamed = await Ask("/api/RenameConversation?name=talk&new_name=story");
        Assert.Equal(
            $$$"""{"code":200,"message":"修改名称成功","data":{"status":true,"conversation_id":"{{{id}}}","conversation_name":"story"}}""",
            renamed.GetRawText());
        Assert.Contains("rename story", Assert.Single(host.Grains.Conversations).Calls);

        Assert.Equal($$"""{"story":"{{id}}"}""", (await Ask("/api/GetConversations")).GetProperty("data").GetRawText());

        Assert.Equal("""{"code":200,"message":"删除对话成功","data":{"status":true}}""", (await Ask("/api/DeleteConversation?name=story")).GetRawText());
        Assert.Contains("delete", Assert.Single(host.Grains.Conversations).Calls);
        Assert.Equal("{}", (await Ask("/api/GetConversations")).GetProperty("data").GetRawText());
    }

    [Fact]
    public async Task Cdb_conversation_without_a_name_gets_one()
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, []);

        using var response = await host.Send("POST", "/api/createconversation", GatewayHost.Json("{}"), Key);

        Assert.Matches("^[0-9a-f]{16}$", (await response.ReadJson()).GetProperty("data").GetProperty("conversation_name").GetString());
    }

    [Theory]
    [InlineData("/api/CreateConversation?name=talk", "创建对话失败:ConversationAlreadyExistsException:")]
    [InlineData("/api/RenameConversation?name=talk&new_name=other", "重命名对话失败:ConversationAlreadyExistsException:")]
    [InlineData("/api/CreateConversation?name=a%0Ab", "创建对话失败:InvalidConversationException:")]
    [InlineData("/api/RenameConversation?name=nobody&new_name=x", "重命名对话失败:InvalidConversationException:")]
    [InlineData("/api/DeleteConversation?name=nobody", "删除对话失败:InvalidConversationException:")]
    public async Task Cdb_conversation_errors_say_what_failed(string path, string message)
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, []);
        await host.Grains.Bridge().Create("1", "talk");
        await host.Grains.Bridge().Create("2", "other");

        using var response = await host.Send("GET", path, null, Key);
        var json = await response.ReadJson();

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.StartsWith(message, json.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.False(json.TryGetProperty("data", out _));
        Assert.Equal(2, host.Grains.Bridge().All.Count);
    }

    [Fact]
    public async Task Cdb_latest_message_is_read_also_while_the_reply_grows()
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, []);
        await host.Grains.Bridge().Create("1", "talk");
        var conversation = host.Grains.Conversation(FakeFleet.KnownIds.KeyOf("acme", "talk"));
        var turn = new TurnSnapshot(
            FakeFleet.KnownIds.NewTurn("acme", "talk"), TurnStatus.Running, "bot", "talk", DateTimeOffset.UnixEpoch, null, [],
            [new TextPart("Once ![x](https://i.example/2.png)"), new ItemPart(new ImageItem("i", "https://i.example/1.png"))], new Cursor(1, 1), null);
        conversation.Content = new ConversationSnapshot(new ConversationSummary("talk", null, default, default, 1), [turn]);

        using var response = await host.Send("GET", "/api/GetLatestMessage?name=talk", null, Key);
        using var unknown = await host.Send("GET", "/api/getlatestmessage?name=nobody", null, Key);

        Assert.Equal(
            """
            {"code":200,"message":"成功!","data":{"status":true,"prompt":"Once ![x](https://i.example/2.png)",
            "files":["https://i.example/1.png","https://i.example/2.png"]}}
            """.ReplaceLineEndings(""),
            await response.Content.ReadAsStringAsync());
        Assert.Equal("""{"code":200,"message":"当前对话不存在","data":{"status":false,"prompt":"","files":[]}}""", await unknown.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData(HealthState.Ok, HealthState.Ok, true, 1)]
    [InlineData(HealthState.Unknown, HealthState.Unknown, true, 1)]
    [InlineData(HealthState.Failing, HealthState.Ok, false, 1)]
    [InlineData(HealthState.Ok, HealthState.SetAside, false, 0)]
    public async Task Cdb_online_state_and_login_count_are_those_of_health(HealthState bot, HealthState account, bool isOnline, int count)
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, []);
        host.Grains.Health.Entries.AddRange([new(HealthKind.Bot, "b", bot), new(HealthKind.Account, "a", account)]);

        using var online = await host.Send("GET", "/api/IsBotOnline", null, Key);
        using var logins = await host.Send("GET", "/api/protocol/GetLoginCount", null, Key);
        using var user = await host.Send("GET", "/api/discord/GetUserInfo", null, Key);

        Assert.Equal($$$"""{"code":200,"message":"获取成功","data":{"status":{{{(isOnline ? "true" : "false")}}}}}""", await online.Content.ReadAsStringAsync());
        Assert.Equal($$$"""{"code":200,"message":"获取成功","data":{"count":{{{count}}}}}""", await logins.Content.ReadAsStringAsync());
        Assert.Equal(isOnline ? "online" : "offline", (await user.ReadJson()).GetProperty("data").GetProperty("status").GetString());
    }

    [Fact]
    public async Task Cdb_channels_are_the_conversations()
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, []);
        await host.Grains.Bridge().Create("1201576967368085686", "talk");

        using var channels = await host.Send("GET", "/api/discord/GetChannels", null, Key);
        using var login = await host.Send("GET", "/api/discord/ReLogin", null, Key);

        Assert.Equal(
            """[{"name":"default","channels":[{"id":1201576967368085686,"name":"talk"}]}]""", (await channels.ReadJson()).GetProperty("data").GetRawText());
        Assert.Equal("""{"status":true}""", (await login.ReadJson()).GetProperty("data").GetRawText());
    }

    [Theory]
    [InlineData(null, 1)]
    [InlineData(800, 1)]
    [InlineData(700, 0)]
    public async Task Cdb_keepalive_sends_only_to_idle_bots(int? idleMinutes, int sent)
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, [Reply.Text("Hi"), Reply.Stop()]);
        host.Grains.Fleet.Models.Add("b");
        if (idleMinutes is { } minutes)
        {
            host.Grains.TurnLog.LastTurns["b"] = new TurnRow
            {
                Id = 1, Version = 1, TurnId = "t", TenantId = "acme", Model = "bot", Status = TurnStatus.Completed, Details = [],
                CreatedAt = host.Time.GetUtcNow().AddMinutes(-minutes),
            };
        }

        using var response = await host.Send("GET", "/api/keepalive", null, Key);

        Assert.Equal("""{"code":200,"message":"keepalive执行成功"}""", await response.Content.ReadAsStringAsync());
        Assert.Equal(sent, host.Grains.Conversations.Count);
        Assert.All(host.Grains.Conversations, conversation => Assert.Equal(
            ("keepalive", "keepalive", "b", true),
            (conversation.Request!.Messages[0].Text, conversation.Request.ConversationName, conversation.Request.Model, conversation.Request.Survive)));
    }
}
