using System.Net.Http.Headers;
using System.Text;

namespace CozeCluster.EndToEnd.Tests.Prompts;

/// <summary>Requests that are wrong get an OpenAI error body on every path, and never a 500.</summary>
public sealed class BadRequestTests(NodeFixture node)
{
    [Theory]
    [InlineData("", null)]
    [InlineData("{", null)]
    [InlineData("[]", null)]
    [InlineData("null", null)]
    [InlineData("{}", "messages")]
    [InlineData("""{"model":"plain-1"}""", "messages")]
    [InlineData("""{"model":"plain-1","messages":[]}""", "messages")]
    [InlineData("""{"model":7,"messages":[{"role":"user","content":"x"}]}""", "model")]
    [InlineData("""{"model":"plain-1","messages":[{"role":"robot","content":"x"}]}""", "messages[0].role")]
    [InlineData("""{"model":"plain-1","messages":[{"role":"user"}]}""", "messages[0].content")]
    [InlineData("""{"model":"plain-1","messages":[{"role":"user","content":"x"}],"n":2}""", "n")]
    [InlineData("""{"model":"plain-1","messages":[{"role":"user","content":"x"}],"stream":"yes"}""", "stream")]
    [InlineData("""{"model":"plain-1","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}}]}""", "tools")]
    public async Task A_wrong_body_is_named(string body, string? param)
    {
        var answer = await PostAsync(body);

        Assert.Equal((400, "invalid_request_error"), (answer.Status, answer.Error.Text("type")));
        Assert.Equal(param, answer.Error.Text("param"));
        Assert.NotEmpty(answer.Error.Text("message")!);
    }

    [Theory]
    [InlineData("GET", "/v1/nothing", 404)]
    [InlineData("GET", "/", 404)]
    [InlineData("GET", "/v1/chat/completions", 405)]
    [InlineData("DELETE", "/v1/models", 405)]
    [InlineData("GET", "/v1/turns/turn_nonsense", 404)]
    [InlineData("GET", "/cozecluster/v1/conversations/no-such-conversation", 404)]
    public async Task A_wrong_path_or_method_has_an_error_body(string method, string path, int status)
    {
        var answer = await node.Http.AnswerAsync(new HttpMethod(method), path);

        Assert.Equal((status, "invalid_request_error"), (answer.Status, answer.Error.Text("type")));
        Assert.NotNull(answer.Header("x-request-id"));
    }

    [Fact]
    public async Task A_body_that_is_no_JSON_by_its_type_is_refused()
    {
        var answer = await PostAsync("model=x", "application/x-www-form-urlencoded");

        Assert.Equal((415, "unsupported_media_type"), (answer.Status, answer.Error.Text("code")));
    }

    [Fact]
    public async Task A_body_that_is_too_large_is_refused()
    {
        var answer = await PostAsync($$"""{"model":"{{new string('x', 33 << 20)}}"}""");

        Assert.Equal((413, "request_too_large"), (answer.Status, answer.Error.Text("code")));
    }

    [Fact]
    public async Task No_key_is_told_what_to_do()
    {
        var answer = await node.Http.AnswerAsync(HttpMethod.Get, "/v1/models", key: null);

        Assert.Equal((401, "invalid_api_key"), (answer.Status, answer.Error.Text("code")));
        Assert.Contains("Authorization", answer.Error.Text("message"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/health/live", "text/plain")]
    [InlineData("/health/ready", "text/plain")]
    [InlineData("/openapi/v1.json", "application/json")]
    [InlineData("/swagger/index.html", "text/html")]
    public async Task Health_and_documentation_need_no_key(string path, string contentType)
    {
        using var response = await node.Http.CallAsync(HttpMethod.Get, path, key: null, cancellationToken: Ask.Patience);

        Assert.Equal((200, contentType), ((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType));
    }

    private async Task<Answer> PostAsync(string body, string contentType = "application/json")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new StringContent(body, Encoding.UTF8, contentType) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", TestFleet.Key);
        using var response = await node.Http.SendAsync(request, Ask.Patience);
        return await Answer.OfAsync(response);
    }
}
