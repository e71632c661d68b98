using System.ClientModel;
using System.Text.Json;
using OpenAI.Chat;

namespace CozeCluster.EndToEnd.Tests.Sdk;

/// <summary>The official .NET client looks at models, and makes mistakes.</summary>
public sealed class ModelsAndErrorsTests(NodeFixture node)
{
    [Fact]
    public async Task Models_are_listed_and_found()
    {
        var list = (await node.ModelList().GetModelsAsync(Ask.Patience)).Value;
        var one = (await node.ModelList().GetModelAsync("oauth", Ask.Patience)).Value;

        Assert.Equal(NodeFixture.Models.Order(StringComparer.Ordinal), list.Select(model => model.Id).Order(StringComparer.Ordinal));
        Assert.Equal(("oauth", "cozecluster"), (one.Id, one.OwnedBy));
        Assert.True(one.CreatedAt > DateTimeOffset.UnixEpoch);
    }

    [Fact]
    public async Task A_tenant_sees_the_models_it_is_offered()
    {
        var list = (await node.ModelList(TestFleet.OtherKey).GetModelsAsync(Ask.Patience)).Value;

        Assert.Contains(list, model => model.Id == "for-others");
        AssertError(404, "model_not_found", await FailureAsync(() => node.ModelList().GetModelAsync("for-others", Ask.Patience)));
    }

    [Fact]
    public async Task A_bad_key_is_refused()
    {
        AssertError(401, "invalid_api_key", await FailureAsync(() => node.ModelList("key-of-nobody").GetModelsAsync(Ask.Patience)));
        AssertError(401, "invalid_api_key", await FailureAsync(() => Say(node.Chat(node.PlainModel(), "key-of-nobody"))));
        AssertError(403, "permission_denied", await FailureAsync(() => Say(node.Chat(node.PlainModel(), TestFleet.AdminKey))));
    }

    [Fact]
    public async Task A_bad_model_is_refused()
    {
        AssertError(404, "model_not_found", await FailureAsync(() => Say(node.Chat("no-such-model"))));
        AssertError(404, "model_not_found", await FailureAsync(() => node.ModelList().GetModelAsync("no-such-model", Ask.Patience)));
        AssertError(404, "model_not_found", await FailureAsync(() => Say(node.Chat("for-others"))));
    }

    [Fact]
    public async Task A_bad_body_is_refused_by_the_name_of_its_field()
    {
        var options = new ChatCompletionOptions { Temperature = 7 };
        var failure = await FailureAsync(() => node.Chat(node.PlainModel()).CompleteChatAsync([new UserChatMessage("x")], options, Ask.Patience));

        AssertError(400, null, failure, "temperature");
    }

    [Fact]
    public async Task What_cannot_be_honoured_is_refused_by_the_name_of_its_field()
    {
        var options = new ChatCompletionOptions { ResponseFormat = ChatResponseFormat.CreateJsonObjectFormat() };
        var failure = await FailureAsync(() => node.Chat(node.PlainModel()).CompleteChatAsync([new UserChatMessage("x")], options, Ask.Patience));

        Assert.Equal(400, failure.Status);
        Assert.StartsWith("response_format", Body(failure).Text("param"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_error_at_Coze_keeps_its_status() =>
        AssertError(429, "insufficient_quota", await FailureAsync(() => Say(node.Chat(node.PlainModel()), "[[early_error=4011]]")));

    [Fact]
    public async Task An_error_instead_of_a_stream_is_thrown() => AssertError(
        502, "upstream_error", await FailureAsync(() => node.Chat(node.PlainModel()).CompleteChatStreamingAsync([new UserChatMessage("[[early_error=5000]]")]).TextAsync()));

    [Fact]
    public async Task An_error_within_a_stream_does_not_pass_for_an_end()
    {
        var finished = false;
        try
        {
            await foreach (var update in node.Chat(node.PlainModel()).CompleteChatStreamingAsync([new UserChatMessage("[[error=5000 error_after=3 chunks=9]]")]))
            {
                finished |= update.FinishReason is not null;
            }
        }
        catch (Exception e) when (e is ClientResultException or JsonException or InvalidOperationException or KeyNotFoundException)
        {
            // Versions of the client differ in what they make of it.
        }
        Assert.False(finished);
    }

    private static Task Say(ChatClient chat, string prompt = "x") => chat.CompleteChatAsync([new UserChatMessage(prompt)], cancellationToken: Ask.Patience);

    private static Task<ClientResultException> FailureAsync(Func<Task> call) => Assert.ThrowsAsync<ClientResultException>(call);

    private static JsonElement Body(ClientResultException failure) => JsonDocument.Parse(failure.GetRawResponse()!.Content).RootElement.GetProperty("error");

    private static void AssertError(int status, string? code, ClientResultException failure, string? param = null)
    {
        Assert.Equal((status, code), (failure.Status, Body(failure).Text("code")));
        if (param is not null) Assert.Equal(param, Body(failure).Text("param"));
    }
}
