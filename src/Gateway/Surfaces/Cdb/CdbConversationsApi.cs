using System.Security.Cryptography;
using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway.Surfaces.Cdb;

/// <summary>The routes of the Bridge that create, find, rename, delete and list conversations.</summary>
internal sealed class CdbConversationsApi(CdbRequests requests, CdbConversations conversations, IGrainFactory grains, IFleetView fleet)
{
    private const int NameBytes = 8;

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapBridge("/api/CreateConversation", static context => Api(context).Create(context), new CdbRoute("创建对话失败:"));
        routes.MapBridge("/api/ConversationIsFound", static context => Api(context).IsFound(context), new CdbRoute("获取失败:", HasStatus: true));
        routes.MapBridge("/api/DeleteConversation", static context => Api(context).Delete(context), new CdbRoute("删除对话失败:"));
        routes.MapBridge("/api/RenameConversation", static context => Api(context).Rename(context), new CdbRoute("重命名对话失败:"));
        routes.MapBridge("/api/GetConversations", static context => Api(context).List(context), new CdbRoute("获取对话列表失败:"));
    }

    private static CdbConversationsApi Api(HttpContext context) => context.RequestServices.GetRequiredService<CdbConversationsApi>();

    private async Task Create(HttpContext context)
    {
        var name = await requests.Read(context, static parameters => parameters.Text("name"));
        if (string.IsNullOrEmpty(name)) name = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(NameBytes));
        var created = await conversations.Create(context, name);
        await CdbJson.Answer(context, "创建子频道成功!", writer => CdbJson.WriteStatus(writer, null, created));
    }

    private async Task IsFound(HttpContext context)
    {
        var name = await ReadName(context);
        var found = await conversations.Of(context).Find(name);
        await CdbJson.Answer(context, found is null ? "当前对话不存在" : "当前对话存在", writer => CdbJson.WriteStatus(writer, found is not null, found));
    }

    private async Task Delete(HttpContext context)
    {
        var conversation = await conversations.Require(context, await ReadName(context));
        await IgnoreUnused(GrainOf(context, conversation).Delete(RequestInfo.TenantIdOf(context)));
        // Removed last: after a failure, the client can delete it again.
        await conversations.Of(context).Remove(conversation.Id);
        await CdbJson.Answer(context, "删除对话成功", static writer => CdbJson.WriteStatus(writer, true));
    }

    private async Task Rename(HttpContext context)
    {
        var (name, newName) = await requests.Read(context, static parameters => (parameters.Text("name") ?? "", parameters.Text("new_name") ?? ""));
        var conversation = await conversations.Require(context, name);
        var renamed = await conversations.Of(context).Rename(conversation.Id, newName) ?? throw CdbConversations.Exists(context);
        // What people see of the conversation elsewhere.
        await IgnoreUnused(GrainOf(context, renamed).Rename(RequestInfo.TenantIdOf(context), newName));
        await CdbJson.Answer(context, "修改名称成功", writer => CdbJson.WriteStatus(writer, true, renamed));
    }

    private async Task List(HttpContext context)
    {
        await requests.Read(context, static _ => true);
        var all = await conversations.Of(context).List();
        await CdbJson.Answer(context, "获取对话列表成功", writer =>
        {
            writer.WriteStartObject();
            foreach (var conversation in all) writer.WriteString(conversation.Name, conversation.Id);
            writer.WriteEndObject();
        });
    }

    private ValueTask<string> ReadName(HttpContext context) => requests.Read(context, static parameters => parameters.Text("name") ?? "");

    private IConversationGrain GrainOf(HttpContext context, BridgeConversation conversation) =>
        grains.Grain<IConversationGrain>(fleet.Ids.KeyOf(RequestInfo.TenantIdOf(context), conversation.ConversationName));

    /// <summary>Waits for a call to a conversation in which nothing may have been said yet.</summary>
    private static async Task IgnoreUnused(Task call)
    {
        try
        {
            await call;
        }
        catch (ClusterException exception) when (exception.Code == ErrorCode.NotFound)
        {
            // It has no turns, so there is nothing to change.
        }
    }
}
