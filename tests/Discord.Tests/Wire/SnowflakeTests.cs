using System.Text.Json;

namespace CozeCluster.Discord.Tests;

public sealed class SnowflakeTests
{
    [Fact]
    public void Id_contains_its_time()
    {
        // The example in Discord's API reference.
        var id = Snowflake.Parse("175928847299117063");

        Assert.Equal(new DateTimeOffset(2016, 4, 30, 11, 18, 25, 796, TimeSpan.Zero), id.CreatedAt);
        Assert.Equal(id.CreatedAt, new Snowflake(Snowflake.Before(id.CreatedAt).Value + 1).CreatedAt);
        Assert.True(Snowflake.Before(id.CreatedAt).CompareTo(id) < 0);
        Assert.Equal(id.CreatedAt.AddMilliseconds(-1), Snowflake.Before(id.CreatedAt).CreatedAt);
        Assert.True(Snowflake.Before(DateTimeOffset.UnixEpoch).IsNone);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData(" 1")]
    [InlineData("1a")]
    [InlineData("18446744073709551616")]
    [InlineData(null)]
    public void Invalid_text_is_not_an_id(string? text)
    {
        Assert.False(Snowflake.TryParse(text, out var id));
        Assert.True(id.IsNone);
    }

    [Theory]
    [InlineData("\"18446744073709551615\"", ulong.MaxValue)]
    [InlineData("\"\\u0031\"", 1)]
    [InlineData("12", 12)]
    [InlineData("null", 0)]
    [InlineData("\"x\"", 0)]
    [InlineData("{\"a\":[1]}", 0)]
    public void Json_forms_are_read(string json, ulong expected)
    {
        var message = JsonSerializer.Deserialize($$"""{"id":{{json}},"channel_id":"2"}""", DiscordJson.Default.DiscordMessage)!;

        Assert.Equal((expected, 2UL), (message.Id.Value, message.ChannelId.Value));
    }

    [Fact]
    public void Id_is_written_as_text() => Assert.Equal(
        """{"id":"18446744073709551615"}""",
        JsonSerializer.Serialize(new AttachmentDraft(new Snowflake(ulong.MaxValue)), DiscordJson.Default.AttachmentDraft));

    [Theory]
    [InlineData("\"a\"", "a")]
    [InlineData("12", "12")]
    [InlineData("null", null)]
    [InlineData("{}", null)]
    public void Nonces_are_read_from_text_or_numbers(string json, string? expected) => Assert.Equal(
        expected, JsonSerializer.Deserialize($$"""{"nonce":{{json}}}""", DiscordJson.Default.DiscordMessage)!.Nonce);
}
