using System.ClientModel;
using System.Text.Json;
using OpenAI.Chat;

namespace CozeCluster.EndToEnd.Tests.Sdk;

/// <summary>Models and errors with the official .NET client.</summary>
public sealed class ModelsAndErrorsTests(NodeFixture node)
{
    [Fact]
    public async Task Models_are_listed_and_retrieved()
    {
        var list = (await node.ModelList().GetModelsAsync(TestTimeout.Token)).Value;
        var one = (await node.ModelList().GetModelAsync("oauth", TestTimeout.Token)).Value;

        Assert.Equal(NodeFixture.Models.Order(StringComparer.Ordinal), list.Select(model => model.Id).Order(StringComparer.Ordinal));
        Assert.Equal(("oauth", "cozecluster"), (one.Id, one.OwnedBy));
        Assert.True(one.CreatedAt > DateTimeOffset.UnixEpoch);
    }

    [Fact]
    public async Task A_tenant_sees_only_its_models()
    {
        var list = (await node.ModelList(TestFleet.OtherKey).GetModelsAsync(TestTimeout.Token)).Value;

        Assert.Contains(list, model => model.Id == "for-others");
        AssertError(404, "model_not_found", await GetFailureAsync(() => node.ModelList().GetModelAsync("for-others", TestTimeout.Token)));
    }

    [Fact]
    public async Task An_invalid_key_is_refused()
    {
        AssertError(401, "invalid_api_key", await GetFailureAsync(() => node.ModelList("key-of-nobody").GetModelsAsync(TestTimeout.Token)));
        AssertError(401, "invalid_api_key", await GetFailureAsync(() => SendAsync(node.Chat(node.NewModel(), "key-of-nobody"))));
        AssertError(403, "permission_denied", await GetFailureAsync(() => SendAsync(node.Chat(node.NewModel(), TestFleet.AdminKey))));
    }

    [Fact]
    public async Task An_unknown_model_is_refused()
    {
        AssertError(404, "model_not_found", await GetFailureAsync(() => SendAsync(node.Chat("no-such-model"))));
        AssertError(404, "model_not_found", await GetFailureAsync(() => node.ModelList().GetModelAsync("no-such-model", TestTimeout.Token)));
        AssertError(404, "model_not_found", await GetFailureAsync(() => SendAsync(node.Chat("for-others"))));
    }

    [Fact]
    public async Task An_error_names_the_invalid_field()
    {
        var options = new ChatCompletionOptions { Temperature = 7 };
        var failure = await GetFailureAsync(() => node.Chat(node.NewModel()).CompleteChatAsync([new UserChatMessage("x")], options, TestTimeout.Token));

        AssertError(400, null, failure, "temperature");
    }

    [Fact]
    public async Task An_error_names_the_unsupported_field()
    {
        var options = new ChatCompletionOptions { IncludeLogProbabilities = true };
        var failure = await GetFailureAsync(() => node.Chat(node.NewModel()).CompleteChatAsync([new UserChatMessage("x")], options, TestTimeout.Token));

        Assert.Equal(400, failure.Status);
        Assert.Equal("logprobs", Body(failure).Text("param"));
    }

    [Fact]
    public async Task Tools_and_formats_are_ignored_by_a_model_with_only_bots()
    {
        var options = new ChatCompletionOptions { ResponseFormat = ChatResponseFormat.CreateJsonObjectFormat(), Tools = { ChatTool.CreateFunctionTool("f") } };
        ChatCompletion reply = await node.Chat(node.NewModel()).CompleteChatAsync([new UserChatMessage("[[say=fine]]")], options, TestTimeout.Token);

        Assert.Equal("fine", reply.Content[0].Text);
    }

    [Fact]
    public async Task An_error_at_Coze_keeps_its_status() =>
        AssertError(429, "insufficient_quota", await GetFailureAsync(() => SendAsync(node.Chat(node.NewModel()), "[[early_error=4011]]")));

    [Fact]
    public async Task An_error_instead_of_a_stream_is_thrown()
    {
        var stream = node.Chat(node.NewModel()).CompleteChatStreamingAsync([new UserChatMessage("[[early_error=5000]]")]);

        AssertError(502, "upstream_error", await GetFailureAsync(stream.TextAsync));
    }

    [Fact]
    public async Task An_error_in_a_stream_is_thrown_after_the_text_before_it()
    {
        var text = "";
        var prompt = new UserChatMessage("[[error=5000 error_after=3 chunks=9]]");

        // Versions of the client throw different exceptions: for the error event, or for the response that ends abnormally.
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await foreach (var update in node.Chat(node.NewModel()).CompleteChatStreamingAsync([prompt]).WithCancellation(TestTimeout.Token))
            {
                Assert.Null(update.FinishReason);
                text += string.Concat(update.ContentUpdate.Select(part => part.Text));
            }
        });

        Assert.NotEqual("", text);
    }

    private static Task SendAsync(ChatClient chat, string prompt = "x") =>
        chat.CompleteChatAsync([new UserChatMessage(prompt)], cancellationToken: TestTimeout.Token);

    private static Task<ClientResultException> GetFailureAsync(Func<Task> call) => Assert.ThrowsAsync<ClientResultException>(call);

    private static JsonElement Body(ClientResultException failure) => JsonDocument.Parse(failure.GetRawResponse()!.Content).RootElement.GetProperty("error");

    private static void AssertError(int status, string? code, ClientResultException failure, string? param = null)
    {
        Assert.Equal((status, code), (failure.Status, Body(failure).Text("code")));
        if (param is not null) Assert.Equal(param, Body(failure).Text("param"));
    }
}
