using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using CozeCluster.Sandbox.Discord;
using CozeCluster.TestKit;

namespace CozeCluster.Sandbox.Tests.Discord;

public sealed class AttachmentTests
{
    private static string Messages => $"/channels/{DiscordClient.Guild.GeneralId}/messages";

    [Fact]
    public async Task Upload_SeveralFiles_AreServedWithTheirNames()
    {
        await using var client = await DiscordClient.StartAsync();
        var body = new JsonObject
        {
            ["content"] = "two files",
            ["attachments"] = new JsonArray(
                new JsonObject { ["id"] = 0, ["filename"] = "renamed.txt", ["description"] = "first" }, new JsonObject { ["id"] = "1" }),
        };

        var sent = await client.RequestAsync(DiscordClient.Account, "POST", Messages, content: Form(body, ("a.txt", "one"), ("b.bin", "two")));

        var files = sent.Body!["attachments"]!.AsArray();
        Assert.Equal(["renamed.txt", "b.bin"], files.Select(f => f!["filename"]!.GetValue<string>()));
        Assert.Equal("first", files[0]!["description"]!.GetValue<string>());
        Assert.StartsWith("text/plain", files[0]!["content_type"]!.GetValue<string>());
        Assert.Equal("one", await client.Http.GetStringAsync(files[0]!["url"]!.GetValue<string>(), client.TimeoutToken));
        Assert.Equal("two", await client.Http.GetStringAsync(files[1]!["url"]!.GetValue<string>(), client.TimeoutToken));
    }

    [Fact]
    public async Task Upload_EmbedWithAnAttachment_ContainsItsAddress()
    {
        await using var client = await DiscordClient.StartAsync();
        var body = new JsonObject { ["embeds"] = new JsonArray(new JsonObject { ["image"] = new JsonObject { ["url"] = "attachment://a.png" } }) };

        var sent = await client.RequestAsync(DiscordClient.Listener, "POST", Messages, content: Form(body, ("a.png", "not really")));

        var url = sent.Body!["embeds"]![0]!["image"]!["url"]!.GetValue<string>();
        Assert.Equal("not really", await client.Http.GetStringAsync(url, client.TimeoutToken));
    }

    [Fact]
    public async Task Upload_TooLarge_Is40005()
    {
        await using var client = await DiscordClient.StartAsync(new DiscordSandboxOptions { FileBytes = 10, RequestBytes = 15 });

        var file = await client.RequestAsync(DiscordClient.Account, "POST", Messages, content: Form([], ("a", "12345678901")));
        var request = await client.RequestAsync(DiscordClient.Account, "POST", Messages, content: Form([], ("a", "1234567890"), ("b", "1234567890")));

        Assert.All([file, request], answer => Assert.Equal((HttpStatusCode.RequestEntityTooLarge, 40005), (answer.Status, answer.Code)));
    }

    [Fact]
    public async Task Upload_ElevenFiles_IsRefused()
    {
        await using var client = await DiscordClient.StartAsync();
        var files = Enumerable.Range(0, 11).Select(n => ($"{n}", "x")).ToArray();

        Assert.Equal(50035, (await client.RequestAsync(DiscordClient.Account, "POST", Messages, content: Form([], files))).Code);
    }

    [Fact]
    public async Task Edit_KeepsOnlyTheListedAttachments()
    {
        await using var client = await DiscordClient.StartAsync();
        var sent = await client.RequestAsync(DiscordClient.Account, "POST", Messages, content: Form([], ("a", "1"), ("b", "2")));
        var keep = sent.Body!["attachments"]![1]!["id"]!.GetValue<string>();

        var edited = await client.RequestAsync(DiscordClient.Account, "PATCH", $"{Messages}/{sent.Id}", new JsonObject
        {
            ["content"] = "less", ["attachments"] = new JsonArray(new JsonObject { ["id"] = keep }),
        });

        Assert.Equal("b", Assert.Single(edited.Body!["attachments"]!.AsArray())!["filename"]!.GetValue<string>());
    }

    [Fact]
    public async Task Address_ForgedOrExpired_Is404()
    {
        var time = new ManualTime();
        await using var client = await DiscordClient.StartAsync(time: time);
        var sent = await client.RequestAsync(DiscordClient.Account, "POST", Messages, content: Form([], ("a.txt", "1")));
        var url = sent.Body!["attachments"]![0]!["url"]!.GetValue<string>();

        using var good = await client.Http.GetAsync(url, client.TimeoutToken);
        using var forged = await client.Http.GetAsync(url.Replace("ex=", "ex=f", StringComparison.Ordinal), client.TimeoutToken);
        time.Advance(TimeSpan.FromDays(1));
        using var expired = await client.Http.GetAsync(url, client.TimeoutToken);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.NotFound, HttpStatusCode.NotFound), (good.StatusCode, forged.StatusCode, expired.StatusCode));
    }

    [Fact]
    public async Task Address_OfADeletedChannel_Is404()
    {
        await using var client = await DiscordClient.StartAsync();
        var sent = await client.RequestAsync(DiscordClient.Account, "POST", Messages, content: Form([], ("a.txt", "1")));
        var url = sent.Body!["attachments"]![0]!["url"]!.GetValue<string>();
        using var before = await client.Http.GetAsync(url, client.TimeoutToken);

        await client.RequestAsync(DiscordClient.Listener, "DELETE", Messages[..Messages.LastIndexOf('/')]);
        using var after = await client.Http.GetAsync(url, client.TimeoutToken);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.NotFound), (before.StatusCode, after.StatusCode));
    }

    private static MultipartFormDataContent Form(JsonObject body, params (string Name, string Text)[] files)
    {
        var form = new MultipartFormDataContent { { new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"), "payload_json" } };
        for (var i = 0; i < files.Length; i++)
        {
            var part = new ByteArrayContent(Encoding.UTF8.GetBytes(files[i].Text));
            part.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
            form.Add(part, $"files[{i}]", files[i].Name);
        }
        return form;
    }
}
