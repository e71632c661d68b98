using System.Net;
using System.Text;

namespace CozeCluster.Security.Tests.PassThrough;

/// <summary>What passes through the node to a provider, and back: no key of the node, no token of an account, nothing about the client.</summary>
public sealed class PassThroughTests(EchoProvider provider) : IClassFixture<EchoProvider>
{
    public static TheoryData<string, string> Routes => new()
    {
        { "/v1/chat/completions", "Authorization: Bearer " }, { "/c/v1/chat/completions", "Authorization: Bearer " },
        { "/dashboard/billing/usage", "Authorization: Bearer " }, { "/claude/api/v1/messages", "x-api-key: " }, { "/gemini/v1beta/models", "x-goog-api-key: " },
    };

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Provider_gets_the_token_of_the_account_and_never_the_key_of_the_node(string path, string header)
    {
        foreach (var (name, value) in KeyPlaces(path, TestFleet.Key))
        {
            var (response, text) = await SendAsync($"/keyed{path}", name, value);

            Assert.True(response.StatusCode == HttpStatusCode.OK, $"{name}: {text}");
            var received = provider.Received[^1];
            Assert.Contains($"{header}{EchoProvider.Token}\n", received.Headers + "\n", StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain(TestFleet.Key, received.ToString(), StringComparison.OrdinalIgnoreCase);
        }
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Key_of_the_node_stays_where_clients_may_send_their_own(string path, string header)
    {
        // Of each tenant, and of the operators: a key of the node is never the client's own key of a provider.
        foreach (var key in (string[])[TestFleet.Key, TestFleet.OtherKey, TestFleet.AdminKey])
        {
            foreach (var (name, value) in KeyPlaces(path, key)) await SendAsync($"/own{path}", name, value);
        }

        // One that authenticates, and others beside it.
        foreach (var (name, value) in KeyPlaces(path, TestFleet.OtherKey).Where(place => place.Name is not ("Authorization" or "key")))
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/own{path}?key={TestFleet.AdminKey}");
            request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {TestFleet.Key}");
            request.Headers.TryAddWithoutValidation(name, value);
            using var response = await provider.Http.SendAsync(request, TestTimeout.Token);
        }

        Assert.NotEmpty(provider.Received);
        var keys = new[] { TestFleet.Key, TestFleet.OtherKey, TestFleet.AdminKey };
        Assert.All(provider.Received, request => Assert.DoesNotContain(keys, key => request.ToString().Contains(key, StringComparison.OrdinalIgnoreCase)));
        Assert.NotEmpty(header);
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Own_key_is_sent_where_the_endpoint_allows_it(string path, string header)
    {
        foreach (var (name, value) in KeyPlaces(path, EchoProvider.OwnKey))
        {
            var (_, text) = await SendAsync($"/own{path}", name, value);
            Assert.Contains($"{header}{EchoProvider.OwnKey}\n", provider.Received[^1].Headers + "\n", StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain(EchoProvider.Token, text, StringComparison.Ordinal);
        }
        // Elsewhere it is a wrong key of the node.
        var (refused, _) = await SendAsync($"/keyed{path}", "Authorization", $"Bearer {EchoProvider.OwnKey}");
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
    }

    [Fact]
    public async Task Own_key_and_key_of_the_node_come_together()
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/only-own/gemini/v1beta/models?key=" + EchoProvider.OwnKey);
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {TestFleet.Key}");
        using var response = await provider.Http.SendAsync(request, TestTimeout.Token);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Contains($"x-goog-api-key: {EchoProvider.OwnKey}", provider.Received[^1].Headers, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(TestFleet.Key, provider.Received[^1].ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("key=", provider.Received[^1].Target, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_the_tenants_of_the_endpoint_use_its_accounts()
    {
        var before = provider.Received.Count;
        var (response, _) = await SendAsync("/keyed/v1/models", "Authorization", $"Bearer {TestFleet.OtherKey}");

        Assert.Equal((HttpStatusCode.Forbidden, before), (response.StatusCode, provider.Received.Count));
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Token_of_the_account_is_in_no_response(string path, string header)
    {
        foreach (var more in (string[])["", "?refuse", "?redirect"])
        {
            var (response, text) = await SendAsync($"/keyed{path}{more}", "Authorization", $"Bearer {TestFleet.Key}");
            var headers = string.Join('\n', response.Headers.Concat(response.Content.Headers).Select(pair => $"{pair.Key}: {string.Join(',', pair.Value)}"));

            Assert.Null(SecretFormOf(text + headers));
            Assert.DoesNotContain("org-of-the-account", headers, StringComparison.Ordinal);
            Assert.DoesNotContain("of-the-provider\n", $"{response.Headers.GetValues("x-request-id").Single()}\n", StringComparison.Ordinal);
            if (more != "?redirect") Assert.Contains("You sent", text, StringComparison.Ordinal);
            if (more == "") Assert.Contains(new string('*', EchoProvider.Token.Length), text, StringComparison.Ordinal);
            Assert.Equal(more switch { "?refuse" => 401, "?redirect" => 502, _ => 200 }, (int)response.StatusCode);
        }
        Assert.Null(SecretFormOf(provider.Log));
        Assert.NotEmpty(header);
    }

    [Fact]
    public async Task Nothing_about_the_client_passes_and_no_cookie_comes_back()
    {
        using var body = new StringContent("{}", Encoding.UTF8, "application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/keyed/v1/responses") { Content = body };
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {TestFleet.Key}");
        string[] names = ["Cookie", "X-Forwarded-For", "X-Real-IP", "Forwarded", "Referer", "Origin", "User-Agent", "X-Custom", "OpenAI-Organization", "Via"];
        foreach (var name in names) request.Headers.TryAddWithoutValidation(name, name == "User-Agent" ? "client-mark/1.0" : "http://client-mark");
        request.Headers.TryAddWithoutValidation("OpenAI-Beta", "assistants=v2");
        using var response = await provider.Http.SendAsync(request, TestTimeout.Token);

        var received = provider.Received[^1].Headers;
        Assert.DoesNotContain("client-mark", received, StringComparison.Ordinal);
        Assert.Contains("OpenAI-Beta: assistants=v2", received, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Content-Type: application/json", received, StringComparison.Ordinal);
        Assert.False(response.Headers.Contains("Set-Cookie"));
        Assert.NotEqual("https://provider.example", response.Headers.GetValues("access-control-allow-origin").FirstOrDefault());
        Assert.Equal("of-the-provider", response.Headers.GetValues("x-upstream-request-id").Single());
    }

    [Theory]
    [InlineData("/keyed/v1/../../admin")]
    [InlineData("/keyed/v1/%2e%2e/%2e%2e/admin")]
    [InlineData("/keyed/v1/%252e%252e/%252e%252e/admin")]
    [InlineData("/keyed/v1/%25252e%25252e/%25252e%25252e/admin")]
    [InlineData("/keyed/v1/..%2f..%2fadmin")]
    [InlineData("/keyed/v1/..%5c..%5cadmin")]
    [InlineData("/keyed/v1/x%23y")]
    [InlineData("/keyed/v1/x%00y")]
    [InlineData("/keyed/claude/api/..%2f..%2fadmin")]
    [InlineData("/keyed/claude/api//evil.example/x")]
    [InlineData("/keyed/gemini/@evil.example/")]
    [InlineData("/keyed/gemini/%2f%2fevil.example/x")]
    [InlineData("/keyed/dashboard/..%252f..%252fadmin")]
    public async Task No_path_leaves_the_address_of_the_account(string path)
    {
        var before = provider.Received.Count;
        // HttpClient would change the path.
        var status = await RawStatusAsync(path);

        Assert.NotInRange(status, 500, 599);
        var root = path.Contains("gemini", StringComparison.Ordinal) ? "/gemini/" : path.Contains("claude", StringComparison.Ordinal) ? "/claude/" : "/deep/";
        foreach (var request in provider.Received.Skip(before))
        {
            var target = request.Target.Split(' ')[1];
            Assert.StartsWith(root, target, StringComparison.Ordinal);
            Assert.DoesNotContain("..", Uri.UnescapeDataString(Uri.UnescapeDataString(target)), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Large_bodies_are_refused(bool hasLength)
    {
        using var content = new StringContent(new string('x', 100_000), Encoding.UTF8, "application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/keyed/v1/embeddings") { Content = content };
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {TestFleet.Key}");
        if (!hasLength) request.Headers.TransferEncodingChunked = true;
        // A body is not sent again if the server closes an idle connection of an earlier test at this moment.
        using var http = new HttpClient { BaseAddress = provider.Http.BaseAddress };
        using var response = await http.SendAsync(request, TestTimeout.Token);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
    }

    [Fact]
    public async Task Files_pass_as_forms()
    {
        using var form = new MultipartFormDataContent { { new StringContent("content-of-the-file"), "file", "a.txt" } };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/keyed/v1/files") { Content = form };
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {TestFleet.Key}");
        using var response = await provider.Http.SendAsync(request, TestTimeout.Token);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Contains("Content-Type: multipart/form-data; boundary=", provider.Received[^1].Headers, StringComparison.Ordinal);
        Assert.Contains("content-of-the-file", provider.Received[^1].Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Body_without_a_type_for_JSON_is_JSON()
    {
        using var form = new StringContent("{}", Encoding.UTF8, "application/x-www-form-urlencoded");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/keyed/v1/embeddings") { Content = form };
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {TestFleet.Key}");
        using var response = await provider.Http.SendAsync(request, TestTimeout.Token);

        Assert.Contains("Content-Type: application/json", provider.Received[^1].Headers, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("TRACE")]
    [InlineData("PROPFIND")]
    public async Task Other_methods_are_refused(string method)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), "/keyed/v1/models");
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {TestFleet.Key}");
        using var response = await provider.Http.SendAsync(request, TestTimeout.Token);

        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
    }

    private static IEnumerable<(string Name, string Value)> KeyPlaces(string path, string key)
    {
        yield return ("Authorization", $"Bearer {key}");
        yield return ("Authorization", key);
        yield return ("x-api-key", key);
        yield return ("api-key", key);
        yield return ("x-goog-api-key", key);
        if (!path.StartsWith("/c/", StringComparison.Ordinal)) yield return ("key", key);
    }

    private async Task<(HttpResponseMessage Response, string Text)> SendAsync(string path, string name, string value)
    {
        var isPost = !path.Contains("models", StringComparison.Ordinal) && !path.Contains("dashboard", StringComparison.Ordinal);
        if (name == "key") path += $"{(path.Contains('?') ? "&" : "?")}key={value}";
        var request = new HttpRequestMessage(isPost ? HttpMethod.Post : HttpMethod.Get, path);
        if (name != "key") request.Headers.TryAddWithoutValidation(name, value);
        if (isPost) request.Content = new StringContent("""{"model":"m","messages":[]}""", Encoding.UTF8, "application/json");
        using var response = await provider.Http.SendAsync(request, TestTimeout.Token);
        return (response, await response.Content.ReadAsStringAsync(TestTimeout.Token));
    }

    private async Task<int> RawStatusAsync(string path)
    {
        using var client = new System.Net.Sockets.TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, provider.Http.BaseAddress!.Port, TestTimeout.Token);
        var stream = client.GetStream();
        var text = $"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TestFleet.Key}\r\nConnection: close\r\n\r\n";
        await stream.WriteAsync(Encoding.ASCII.GetBytes(text), TestTimeout.Token);
        using var reader = new StreamReader(stream);
        return int.Parse((await reader.ReadLineAsync(TestTimeout.Token))!.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
    }

    private static string? SecretFormOf(string text) => Secrets.SecretForms.Find(Encoding.UTF8.GetBytes(text), EchoProvider.Token);
}
