namespace CozeCluster.Client.Tests;

/// <summary>The <c>config.json</c> that Real-Coze-API's user script downloaded.</summary>
public sealed class BotConfigTests
{
    [Theory]
    [InlineData("\"7338000000000000001\"")]
    [InlineData("7338000000000000001")]
    public void Config_GivesIdAndHistory(string id)
    {
        var bot = RealCozeBot.FromConfig($$"""
            {
              "space_id": "7330000000000000001", "bot_id": {{id}}, "device_id": "1",
              "work_info": {
                "message_info": "[{\"role\":2,\"content\":\"Hi\"},{\"role\":1,\"content\":\"Hello!\",\"contentType\":1},{\"role\":6}]",
                "system_info_all": "[]", "other_info": "{\"model\":\"133\"}"
              }
            }
            """);

        Assert.Equal("7338000000000000001", bot.Id);
        Assert.Equal([new RealCozeMessage(2, "Hi"), new RealCozeMessage(1, "Hello!")], bot.History);
    }

    [Theory]
    [InlineData("""{"bot_id":"1"}""")]
    [InlineData("""{"bot_id":"1","work_info":{"message_info":""}}""")]
    [InlineData("""{"bot_id":"1","work_info":{"message_info":"{}"}}""")]
    public void Config_WithoutHistory_HasNone(string json) => Assert.Empty(RealCozeBot.FromConfig(json).History);

    [Theory]
    [InlineData("not json", "valid JSON")]
    [InlineData("{}", "bot_id")]
    [InlineData("[]", "bot_id")]
    [InlineData("""{"bot_id":"1","work_info":{"message_info":"["}}""", "valid JSON")]
    public void Config_ThatIsNone_IsReported(string json, string expected) =>
        Assert.Contains(expected, Assert.Throws<FormatException>(() => RealCozeBot.FromConfig(json)).Message, StringComparison.Ordinal);
}
