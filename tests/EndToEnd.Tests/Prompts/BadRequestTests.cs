using System.Net.Http.Headers;
using System.Text;

namespace CozeCluster.EndToEnd.Tests.Prompts;

/// <summary>An invalid request gets an OpenAI error body on every path, and never a 500.</summary>
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
    [InlineData("""{"model":"plain-1","messages":[{"role":"user","content":"x"}],"n":9}""", "n")]
    [InlineData("""{"model":"plain-1","messages":[{"role":"user","content":"x"}],"stream":"yes"}""", "stream")]
    [InlineData("""{"model":"plain-1","messages":[{"role":"user","content":"x"}],"tools":{}}""", "tools")]
    public async Task An_error_names_the_invalid_field(string body, string? param)
    {
        var response = await PostAsync(body);

        Assert.Equal((400, "invalid_request_error"), (response.Status, response.Error.Text("type")));
        Assert.Equal(param, response.Error.Text("param"));
        Assert.NotEmpty(response.Error.Text("message")!);
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
        var response = await node.Http.RequestJsonAsync(new HttpMethod(method), path);

        Assert.Equal((status, "invalid_request_error"), (response.Status, response.Error.Text("type")));
        Assert.NotNull(response.Header("x-request-id"));
    }

    [Fact]
    public async Task A_body_with_another_content_type_than_JSON_is_refused()
    {
        var response = await PostAsync("model=x", "application/x-www-form-urlencoded");

        Assert.Equal((415, "unsupported_media_type"), (response.Status, response.Error.Text("code")));
    }

    [Fact]
    public async Task A_body_that_is_too_large_is_refused()
    {
        var response = await PostAsync($$"""{"model":"{{new string('x', 33 << 20)}}"}""");

        Assert.Equal((413, "request_too_large"), (response.Status, response.Error.Text("code")));
    }

    [Fact]
    public async Task An_error_for_a_missing_key_explains_how_to_send_it()
    {
        var response = await node.Http.RequestJsonAsync(HttpMethod.Get, "/v1/models", key: null);

        Assert.Equal((401, "invalid_api_key"), (response.Status, response.Error.Text("code")));
        Assert.Contains("Authorization", response.Error.Text("message"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/health/live", "text/plain")]
    [InlineData("/health/ready", "text/plain")]
    [InlineData("/openapi/v1.json", "application/json")]
    [InlineData("/swagger/index.html", "text/html")]
    public async Task Health_and_documentation_need_no_key(string path, string contentType)
    {
        using var response = await node.Http.RequestAsync(HttpMethod.Get, path, key: null, cancellationToken: TestTimeout.Token);

        Assert.Equal((200, contentType), ((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType));
    }

    private async Task<ApiResponse> PostAsync(string body, string contentType = "application/json")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new StringContent(body, Encoding.UTF8, contentType) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", TestFleet.Key);
        using var response = await node.Http.SendAsync(request, TestTimeout.Token);
        return await ApiResponse.ReadAsync(response);
    }
}
