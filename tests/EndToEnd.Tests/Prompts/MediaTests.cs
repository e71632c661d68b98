using System.Text.Json;
using System.Text.Json.Nodes;
using CozeCluster.EndToEnd.Tests.Sdk;
using OpenAI.Chat;

namespace CozeCluster.EndToEnd.Tests.Prompts;

/// <summary>Images, files and audio in prompts: URLs are passed on, bytes are uploaded to Coze first.</summary>
public sealed class MediaTests(NodeFixture node)
{
    private static readonly byte[] Pixel = Convert.FromBase64String(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==");

    private static string PixelUri => $"data:image/png;base64,{Convert.ToBase64String(Pixel)}";

    [Fact]
    public async Task The_official_client_sends_an_image_by_its_URL()
    {
        var request = node.NewRequest("say=seen");
        var image = ChatMessageContentPart.CreateImagePart(new Uri("https://images.example/cat.png"));
        var parts = new[] { ChatMessageContentPart.CreateTextPart(request.Prompt), image };
        var completion = (await node.Chat(request.Model).CompleteChatAsync([new UserChatMessage(parts)], cancellationToken: TestTimeout.Token)).Value;

        Assert.Equal("seen", completion.Content[0].Text);
        Assert.Equal([("text", request.Prompt), ("image", "https://images.example/cat.png")], Items(request));
    }

    [Fact]
    public async Task The_official_client_sends_an_image_as_bytes()
    {
        var request = node.NewRequest("say=seen");
        var image = ChatMessageContentPart.CreateImagePart(BinaryData.FromBytes(Pixel), "image/png");
        var parts = new[] { ChatMessageContentPart.CreateTextPart(request.Prompt), image };
        var completion = (await node.Chat(request.Model).CompleteChatAsync([new UserChatMessage(parts)], cancellationToken: TestTimeout.Token)).Value;

        Assert.Equal("seen", completion.Content[0].Text);
        await AssertUploadedAsync(request, "image", Pixel.Length);
    }

    [Fact]
    public async Task The_official_client_sends_a_file_as_bytes()
    {
        var request = node.NewRequest("say=read");
        var parts = new[]
        {
            ChatMessageContentPart.CreateTextPart(request.Prompt),
            ChatMessageContentPart.CreateFilePart(BinaryData.FromString("%PDF-1.4 of sorts"), "application/pdf", "报告 \"final\".pdf"),
        };
        await node.Chat(request.Model).CompleteChatAsync([new UserChatMessage(parts)], cancellationToken: TestTimeout.Token);

        await AssertUploadedAsync(request, "file", 17);
    }

    [Fact]
    public async Task Audio_and_URLs_of_files_are_accepted()
    {
        var request = node.NewRequest("say=heard");
        request.Body["messages"]![0]!["content"] = new JsonArray(
            new JsonObject { ["type"] = "text", ["text"] = request.Prompt },
            new JsonObject { ["type"] = "input_audio", ["input_audio"] = new JsonObject { ["data"] = "AAAA", ["format"] = "mp3" } },
            new JsonObject { ["type"] = "file_url", ["file_url"] = new JsonObject { ["url"] = "https://files.example/a.pdf" } });
        var response = await request.CompleteAsync();

        Assert.Equal("heard", response.Text);
        Assert.Equal(["text", "audio", "file"], Items(request).Select(item => item.Type));
    }

    [Fact]
    public async Task Images_keep_their_order()
    {
        var request = node.NewRequest("say=seen");
        var urls = new[] { PixelUri, "https://images.example/cat.png", PixelUri };
        request.Body["messages"]![0]!["content"] = new JsonArray(
        [
            new JsonObject { ["type"] = "text", ["text"] = request.Prompt },
            .. urls.Select(url => new JsonObject { ["type"] = "image_url", ["image_url"] = new JsonObject { ["url"] = url } }),
        ]);
        await request.CompleteAsync();

        Assert.Equal(["text", "image", "image", "image"], Items(request).Select(item => item.Type));
        Assert.Equal("https://images.example/cat.png", Items(request)[2].Value);
    }

    [Theory]
    [InlineData("""{"type":"image_url","image_url":{"url":"data:image/png;base64,???"}}""")]
    [InlineData("""{"type":"image_url","image_url":{"url":"data:text/plain;base64,AAAA"}}""")]
    [InlineData("""{"type":"image_url","image_url":{"url":"ftp://files.example/a.png"}}""")]
    [InlineData("""{"type":"file","file":{"file_id":"file-1"}}""")]
    public async Task An_error_names_the_part_that_cannot_be_sent(string part)
    {
        var request = node.NewRequest();
        request.Body["messages"]![0]!["content"] = new JsonArray(new JsonObject { ["type"] = "text", ["text"] = request.Prompt }, JsonNode.Parse(part));
        var response = await request.CompleteAsync();

        Assert.Equal(400, response.Status);
        Assert.StartsWith("messages[0].content[1]", response.Error.Text("param"), StringComparison.Ordinal);
        Assert.Empty(request.Chats);
    }

    private async Task AssertUploadedAsync(ChatRequest request, string type, int size)
    {
        var item = Assert.Single(Items(request), item => item.Type == type);
        using var coze = new HttpClient();
        coze.DefaultRequestHeaders.Add("Authorization", "Bearer pat_sandbox");
        using var file = JsonDocument.Parse(await coze.GetStringAsync($"{node.CozeUrl}/v1/files/retrieve?file_id={item.Value}", TestTimeout.Token));
        Assert.Equal(size, file.RootElement.GetProperty("data").GetProperty("bytes").GetInt32());
    }

    private static List<(string Type, string Value)> Items(ChatRequest request)
    {
        var message = Assert.Single(request.Chat.RequestMessages, message => message.ContentType == "object_string");
        return
        [
            .. JsonDocument.Parse(message.Content).RootElement.EnumerateArray()
                .Select(item => (item.Text("type")!, (item.Text("text") ?? item.Text("file_id") ?? item.Text("file_url"))!)),
        ];
    }
}
