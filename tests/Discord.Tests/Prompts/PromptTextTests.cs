using System.Text.Json;

namespace CozeCluster.Discord.Tests;

public sealed class PromptTextTests
{
    private static readonly ChatMessage[] Messages =
    [
        new(ChatRole.System, [new TextContent("Be brief.")]),
        new(ChatRole.User, [new TextContent("What is \"this\"?"), new ImageContent(new MediaSource("https://example.invalid/a.png", null))]),
        new(ChatRole.Assistant, [new TextContent("A <harbour> 🚢")]),
        new(ChatRole.Assistant, []),
        new(ChatRole.User, [new TextContent("Where?"), new FileContent(new MediaSource(null, new BlobRef("b", "text/plain", "note.txt", 3)))]),
    ];

    [Fact]
    public void Transcript_contains_the_role_before_each_message()
    {
        var prompt = PromptText.Of(Messages, DiscordHistory.Transcript);

        Assert.Equal("System: Be brief.\n\nUser: What is \"this\"?\nhttps://example.invalid/a.png\n\nAssistant: A <harbour> 🚢\n\nUser: Where?", prompt.Text);
        Assert.Equal("note.txt", Assert.Single(prompt.Files).Name);
    }

    [Fact]
    public void Single_user_message_is_sent_unchanged() =>
        Assert.Equal("Hello\n\nworld", PromptText.Of([new(ChatRole.User, [new TextContent("Hello\n\nworld")])], DiscordHistory.Transcript).Text);

    [Fact]
    public void Last_contains_only_the_last_user_message_and_its_files()
    {
        var prompt = PromptText.Of(Messages, DiscordHistory.Last);

        Assert.Equal("Where?", prompt.Text);
        Assert.Single(prompt.Files);
    }

    [Fact]
    public void Json_is_a_readable_array_of_roles_and_texts()
    {
        var prompt = PromptText.Of(Messages, DiscordHistory.Json);

        using var json = JsonDocument.Parse(prompt.Text);
        Assert.Equal(["system", "user", "assistant", "user"], json.RootElement.EnumerateArray().Select(message => message.GetProperty("role").GetString()));
        Assert.Equal("What is \"this\"?\nhttps://example.invalid/a.png", json.RootElement[1].GetProperty("content").GetString());
        Assert.Contains("A <harbour>", prompt.Text, StringComparison.Ordinal);
    }
}
