using System.Text;

namespace CozeCluster.Sandbox.Tests.Coze;

public sealed class WireFormatTests
{
    [Theory]
    [InlineData("colon=tight", "event:done\ndata:\"[DONE]\"\n\n")]
    [InlineData("colon=space", "event: done\ndata: \"[DONE]\"\n\n")]
    [InlineData("newline=crlf", "event:done\r\ndata:\"[DONE]\"\r\n\r\n")]
    [InlineData("done=bare", "event:done\ndata:[DONE]\n\n")]
    [InlineData("done=debug", "event:done\ndata:{\"debug_url\":\"https://sandbox.test/debug\"}\n\n")]
    [InlineData("last_error=zero", "\"last_error\":{\"code\":0,\"msg\":\"\"}")]
    [InlineData("last_error=null", "\"last_error\":null")]
    [InlineData("usage=12/34", "\"usage\":{\"token_count\":46,\"output_count\":34,\"input_count\":12}")]
    [InlineData("usage=12/34 usage_names=tokens", "\"usage\":{\"token_count\":46,\"output_tokens\":34,\"input_tokens\":12}")]
    [InlineData("say=🚀 escape=utf8", "\"content\":\"🚀\"")]
    [InlineData("say=🚀 escape=ascii", "\"content\":\"\\uD83D\\uDE80\"")]
    public async Task Stream_WithAFormatDirective_ContainsTheExpectedBytes(string directives, string expected)
    {
        Assert.Contains(expected, await RawAsync(directives));
    }

    [Theory]
    [InlineData("done=none", "event:done")]
    [InlineData("usage=none", "\"usage\"")]
    [InlineData("colon=space", "data:{")]
    [InlineData("escape=ascii text=unicode", "\uD83D")]
    public async Task Stream_WithAFormatDirective_DoesNotContainOtherBytes(string directives, string unexpected)
    {
        Assert.DoesNotContain(unexpected, await RawAsync(directives));
    }

    [Fact]
    public async Task Stream_Torn_HasTheSameContent()
    {
        await using var client = await CozeClient.StartAsync();

        var torn = await client.StreamAsync("[[torn text=unicode chunks=50]]");
        var whole = await client.StreamAsync("[[text=unicode chunks=50]]");

        Assert.Equal(whole.Text(), torn.Text());
        Assert.Equal(whole.Count, torn.Count);
    }

    private static async Task<string> RawAsync(string directives)
    {
        await using var client = await CozeClient.StartAsync();
        using var response = await client.SendAsync(HttpMethod.Post, "v3/chat", CozeClient.Body($"[[{directives}]]"));
        return Encoding.UTF8.GetString(await response.Content.ReadAsByteArrayAsync(client.TimeoutToken));
    }
}
