using System.Text.Json;
using System.Text.Json.Nodes;
using CozeCluster.EndToEnd.Tests.Sdk;
using OpenAI.Chat;

namespace CozeCluster.EndToEnd.Tests.Prompts;

/// <summary>Images, files and sound in prompts: addresses go on as they are, bytes are uploaded to Coze first.</summary>
public sealed class MediaTests(NodeFixture node)
{
    private static readonly byte[] Pixel = Convert.FromBase64String(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==");

    private static string PixelUri => $"data:image/png;base64,{Convert.ToBase64String(Pixel)}";

    [Fact]
    public async Task The_official_client_sends_an_image_by_its_address()
    {
        var ask = node.Ask("say=seen");
        var parts = new[] { ChatMessageContentPart.CreateTextPart(ask.Prompt), ChatMessageContentPart.CreateImagePart(new Uri("https://images.example/cat.png")) };
        var completion = (await node.Chat(ask.Model).CompleteChatAsync([new UserChatMessage(parts)], cancellationToken: Ask.Patience)).Value;

        Assert.Equal("seen", completion.Content[0].Text);
        Assert.Equal([("text", ask.Prompt), ("image", "https://images.example/cat.png")], Items(ask));
    }

    [Fact]
    public async Task The_official_client_sends_an_image_as_bytes()
    {
        var ask = node.Ask("say=seen");
        var parts = new[] { ChatMessageContentPart.CreateTextPart(ask.Prompt), ChatMessageContentPart.CreateImagePart(BinaryData.FromBytes(Pixel), "image/png") };
        var completion = (await node.Chat(ask.Model).CompleteChatAsync([new UserChatMessage(parts)], cancellationToken: Ask.Patience)).Value;

        Assert.Equal("seen", completion.Content[0].Text);
        await AssertUploadedAsync(ask, "image", Pixel.Length);
    }

    [Fact]
    public async Task The_official_client_sends_a_file_as_bytes()
    {
        var ask = node.Ask("say=read");
        var parts = new[]
        {
            ChatMessageContentPart.CreateTextPart(ask.Prompt),
            ChatMessageContentPart.CreateFilePart(BinaryData.FromString("%PDF-1.4 of sorts"), "application/pdf", "报告 \"final\".pdf"),
        };
        await node.Chat(ask.Model).CompleteChatAsync([new UserChatMessage(parts)], cancellationToken: Ask.Patience);

        await AssertUploadedAsync(ask, "file", 17);
    }

    [Fact]
    public async Task Sound_and_addresses_of_files_go_too()
    {
        var ask = node.Ask("say=heard");
        ask.Body["messages"]![0]!["content"] = new JsonArray(
            new JsonObject { ["type"] = "text", ["text"] = ask.Prompt },
            new JsonObject { ["type"] = "input_audio", ["input_audio"] = new JsonObject { ["data"] = "AAAA", ["format"] = "mp3" } },
            new JsonObject { ["type"] = "file_url", ["file_url"] = new JsonObject { ["url"] = "https://files.example/a.pdf" } });
        var answer = await ask.CompleteAsync();

        Assert.Equal("heard", answer.Text);
        Assert.Equal(["text", "audio", "file"], Items(ask).Select(item => item.Type));
    }

    [Fact]
    public async Task Images_come_in_the_order_they_were_sent()
    {
        var ask = node.Ask("say=seen");
        var urls = new[] { PixelUri, "https://images.example/cat.png", PixelUri };
        ask.Body["messages"]![0]!["content"] = new JsonArray(
        [
            new JsonObject { ["type"] = "text", ["text"] = ask.Prompt },
            .. urls.Select(url => new JsonObject { ["type"] = "image_url", ["image_url"] = new JsonObject { ["url"] = url } }),
        ]);
        await ask.CompleteAsync();

        Assert.Equal(["text", "image", "image", "image"], Items(ask).Select(item => item.Type));
        Assert.Equal("https://images.example/cat.png", Items(ask)[2].Value);
    }

    [Theory]
    [InlineData("""{"type":"image_url","image_url":{"url":"data:image/png;base64,???"}}""")]
    [InlineData("""{"type":"image_url","image_url":{"url":"data:text/plain;base64,AAAA"}}""")]
    [InlineData("""{"type":"image_url","image_url":{"url":"ftp://files.example/a.png"}}""")]
    [InlineData("""{"type":"file","file":{"file_id":"file-1"}}""")]
    public async Task What_cannot_be_sent_is_refused_by_its_place(string part)
    {
        var ask = node.Ask();
        ask.Body["messages"]![0]!["content"] = new JsonArray(new JsonObject { ["type"] = "text", ["text"] = ask.Prompt }, JsonNode.Parse(part));
        var answer = await ask.CompleteAsync();

        Assert.Equal(400, answer.Status);
        Assert.StartsWith("messages[0].content[1]", answer.Error.Text("param"), StringComparison.Ordinal);
        Assert.Empty(ask.Chats);
    }

    private async Task AssertUploadedAsync(Ask ask, string type, int size)
    {
        var item = Assert.Single(Items(ask), item => item.Type == type);
        using var coze = new HttpClient();
        coze.DefaultRequestHeaders.Add("Authorization", "Bearer pat_sandbox");
        var file = JsonDocument.Parse(await coze.GetStringAsync($"{node.CozeUrl}/v1/files/retrieve?file_id={item.Value}", Ask.Patience)).RootElement.GetProperty("data");
        Assert.Equal(size, file.GetProperty("bytes").GetInt32());
    }

    private static List<(string Type, string Value)> Items(Ask ask)
    {
        var message = Assert.Single(ask.Chat.RequestMessages, message => message.ContentType == "object_string");
        return
        [
            .. JsonDocument.Parse(message.Content).RootElement.EnumerateArray()
                .Select(item => (item.Text("type")!, (item.Text("text") ?? item.Text("file_id") ?? item.Text("file_url"))!)),
        ];
    }
}
