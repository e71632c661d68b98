using System.Text.Json;

namespace CozeCluster.Discord.Tests;

public sealed class PromptTextTests
{
    private static readonly ChatMessage[] Talk =
    [
        new(ChatRole.System, [new TextContent("Be brief.")]),
        new(ChatRole.User, [new TextContent("What is \"this\"?"), new ImageContent(new MediaSource("https://example.invalid/a.png", null))]),
        new(ChatRole.Assistant, [new TextContent("A <harbour> 🚢")]),
        new(ChatRole.Assistant, []),
        new(ChatRole.User, [new TextContent("Where?"), new FileContent(new MediaSource(null, new BlobRef("b", "text/plain", "note.txt", 3)))]),
    ];

    [Fact]
    public void Transcript_heads_each_message_with_its_role()
    {
        var prompt = PromptText.Of(Talk, DiscordHistory.Transcript);

        Assert.Equal("System: Be brief.\n\nUser: What is \"this\"?\nhttps://example.invalid/a.png\n\nAssistant: A <harbour> 🚢\n\nUser: Where?", prompt.Text);
        Assert.Equal("note.txt", Assert.Single(prompt.Files).Name);
    }

    [Fact]
    public void Single_message_of_the_user_is_sent_as_it_is() =>
        Assert.Equal("Hello\n\nworld", PromptText.Of([new(ChatRole.User, [new TextContent("Hello\n\nworld")])], DiscordHistory.Transcript).Text);

    [Fact]
    public void Last_is_the_users_last_message_with_its_files_alone()
    {
        var prompt = PromptText.Of(Talk, DiscordHistory.Last);

        Assert.Equal("Where?", prompt.Text);
        Assert.Single(prompt.Files);
    }

    [Fact]
    public void Json_is_an_array_of_roles_and_texts_that_people_can_read()
    {
        var prompt = PromptText.Of(Talk, DiscordHistory.Json);

        using var json = JsonDocument.Parse(prompt.Text);
        Assert.Equal(["system", "user", "assistant", "user"], json.RootElement.EnumerateArray().Select(message => message.GetProperty("role").GetString()));
        Assert.Equal("What is \"this\"?\nhttps://example.invalid/a.png", json.RootElement[1].GetProperty("content").GetString());
        Assert.Contains("A <harbour>", prompt.Text, StringComparison.Ordinal);
    }
}
