using System.Buffers;
using System.Net;
using System.Text;
using System.Text.Json;
using CozeCluster.Gateway.Surfaces.Chat;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Tests.Fakes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway.Tests.Surfaces.Chat;

/// <summary>Every body, however broken, is either accepted or rejected with a reason.</summary>
public sealed class ChatRequestFuzzTests
{
    private const int Cases = 20_000;
    private const int CasesOverHttp = 1_000;

    private static readonly byte[] Seed = Encoding.UTF8.GetBytes(
        """
        {"model":"bot","stream":true,"stream_options":{"include_usage":true},"n":1,"temperature":0.5,"stop":["a"],"tools":[],"tool_choice":"none",
        "metadata":{"k":"v"},"custom_variables":{"a":"b"},"conversation_id":"c","response_format":{"type":"text"},"modalities":["text"],
        "logit_bias":{"50256":-100},
        "messages":[{"role":"system","content":"s"},{"role":"user","name":"n","content":[{"type":"text","text":"\u00e9\ud83d\ude00"},
        {"type":"image_url","image_url":{"url":"data:image/png;base64,aGVsbG8=","detail":"low"}},{"type":"image_url","image_url":"https://x.test/a.png"},
        {"type":"input_audio","input_audio":{"data":"aGk=","format":"wav"}},{"type":"file","file":{"filename":"f.txt","file_data":"aGk="}}]},
        {"role":"assistant","content":null,"refusal":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]},
        {"role":"tool","tool_call_id":"call_1","content":"r"},{"role":"function","name":"g","content":"r"},{"role":"user","content":"q"}]}
        """);

    private static readonly string[] Pieces =
    [
        "null", "true", "{}", "[]", "\"\"", "-0", "1e400", "99999999999999999999999", "\"\\ud800\"", "\"\\udc00x\"", "\"\\u0000\"", "{\"a\":{\"a\":{}}}",
        "[[[[]]]]", "\"data:,\"", "\"data:;base64\"", "\"data:image/png;base64,\"", "\\", "\"", ",", ":", "}", "]", "{\"\\ud800\":1}", "\"text\"",
        "\"tool\"", "\"user\"", "-", "0x1", "NaN", "/*c*/", "\"https://\"", "\"http://[::\"", "\ufeff",
    ];

    [Fact]
    public async Task Mutated_bodies_are_accepted_or_rejected_with_a_reason()
    {
        var random = new Random(20_241);
        var accepted = 0;
        var rejected = 0;
        for (var i = 0; i < Cases; i++)
        {
            var body = Mutate(random);
            try
            {
                var request = await Read(body, hasLanguageModel: i % 2 == 0);
                Assert.NotEmpty(request.Messages);
                accepted++;
            }
            catch (ClusterException exception) when (exception.Code == ErrorCode.InvalidRequest && exception.Message.Length > 0)
            {
                rejected++;
            }
            catch (Exception exception)
            {
                Assert.Fail($"Case {i}: {exception}\n{Encoding.UTF8.GetString(body)}");
            }
        }
        // If all or none of the mutated bodies were accepted, the mutations would test nothing.
        Assert.InRange(accepted, Cases / 100, Cases * 99 / 100);
        Assert.InRange(rejected, Cases / 100, Cases * 99 / 100);
    }

    [Fact]
    public async Task Mutated_bodies_never_get_a_500()
    {
        await using var host = await GatewayHost.Start(realTime: true);
        host.Grains.OnBegin = conversation => conversation.Post(new Cursor(0, 1), Reply.Text("x"), Reply.Stop());
        var random = new Random(7);
        for (var i = 0; i < CasesOverHttp; i++)
        {
            var body = Mutate(random);
            using var content = new ByteArrayContent(body);
            using var response = await host.Http.PostAsync("/v1/chat/completions", content);
            if (response.StatusCode == HttpStatusCode.OK) continue;
            var text = await response.Content.ReadAsStringAsync();
            var isClientError = response.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.NotFound;
            Assert.True(isClientError, $"{response.StatusCode}: {text}\n{Encoding.UTF8.GetString(body)}");
            Assert.NotEmpty(await response.ReadError("message") ?? "");
        }
    }

    private static async Task<ChatRequest> Read(byte[] body, bool hasLanguageModel)
    {
        var services = new ServiceCollection().AddSingleton(new BodyBudget(new GatewayOptions(), TimeProvider.System)).BuildServiceProvider();
        var context = new DefaultHttpContext { RequestServices = services };
        context.Features.Set(new RequestInfo { RequestId = "req", StartedAt = 0 });
        context.Request.Body = new MemoryStream(body);
        var models = new RequestedModels(null, _ => new ModelRules(hasLanguageModel, RefusesTools: true, RefusesFormat: true));
        return await JsonBody.Read(context, 1 << 20, (root, bytes) => ChatRequestReader.Read(root, bytes, models));
    }

    private static byte[] Mutate(Random random)
    {
        var body = Seed;
        for (var times = random.Next(1, 4); times > 0; times--) body = MutateOnce(random, body);
        return body;
    }

    private static byte[] MutateOnce(Random random, byte[] body)
    {
        if (body.Length < 2) return body;
        var from = random.Next(body.Length);
        var to = Math.Min(body.Length, from + random.Next(1, 24));
        switch (random.Next(6))
        {
            case 0: return [.. body[..from], (byte)random.Next(256), .. body[(from + 1)..]];
            case 1: return [.. body[..from], .. body[to..]];
            case 2: return [.. body[..to], .. body[from..]];
            case 3: return body[..from];
            case 4:
                // Replaces one value by another, so that the body is still JSON and passes the parser.
                var values = Values(body);
                if (values.Count == 0) return body;
                var (start, end) = values[random.Next(values.Count)];
                return [.. body[..start], .. Encoding.UTF8.GetBytes(Pieces[random.Next(Pieces.Length)]), .. body[end..]];
            default: return [.. body[..from], .. Encoding.UTF8.GetBytes(Pieces[random.Next(Pieces.Length)]), .. body[from..]];
        }
    }

    private static List<(int Start, int End)> Values(byte[] body)
    {
        var values = new List<(int, int)>();
        try
        {
            var reader = new Utf8JsonReader(new ReadOnlySequence<byte>(body));
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False or JsonTokenType.Null)
                    values.Add(((int)reader.TokenStartIndex, (int)reader.BytesConsumed));
            }
        }
        catch (JsonException)
        {
            // The values that were found so far are enough.
        }
        return values;
    }
}
